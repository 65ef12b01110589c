/* Finds the objects of a list that arrives byte by byte, and overwrites every byte that has been read: a second read
   would see something else. Prints each object on a line of its own. The list is the only argument. */
#include "wire/json_stream.c"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int count, char **words)
{
    const char *text = words[1];
    size_t length = strlen(text), i;
    char *arrived = malloc(length); /* not longer, so that a memory checker finds reads beyond it */
    struct oh_json_stream stream;

    if (count != 2 || arrived == NULL)
        return 2;
    memset(&stream, 0, sizeof stream);
    for (i = 0; i < length; i++) {
        arrived[i] = text[i];
        while (oh_json_stream_find(&stream, arrived, i + 1)) {
            printf("%.*s\n", (int)(stream.to - stream.from), text + stream.from);
            oh_json_stream_advance(&stream);
        }
        memset(arrived, i % 2 ? '}' : '"', stream.at);
    }
    free(arrived);
    return 0;
}
