/* Finds the elements of a list that arrives byte by byte, and spoils every byte behind it that has been looked at: who
   looks twice finds something else. Prints each element on a line of its own. The list is the only argument. */
#include "wire/json_stream.c"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int count, char **words)
{
    const char *text = words[1];
    size_t length = strlen(text), i;
    char *arrived = malloc(length); /* exactly: a memory checker sees who reads beyond */
    struct oh_json_stream element;

    if (count != 2 || arrived == NULL)
        return 2;
    memset(&element, 0, sizeof element);
    for (i = 0; i < length; i++) {
        arrived[i] = text[i];
        while (oh_json_stream_find(&element, arrived, i + 1)) {
            printf("%.*s\n", (int)(element.to - element.from), text + element.from);
            oh_json_stream_advance(&element);
        }
        memset(arrived, i % 2 ? '}' : '"', element.at);
    }
    free(arrived);
    return 0;
}
