/* Asks the system about terminals. */
#include "os/terminal.h"

#include <sys/ioctl.h>
#include <termios.h> /* TIOCGWINSZ on some systems */
#include <unistd.h>

bool oh_terminal_is_at(int descriptor) { return isatty(descriptor) == 1; }

struct oh_terminal_size oh_terminal_size(int descriptor)
{
    struct oh_terminal_size size = {0, 0};
#ifdef TIOCGWINSZ
    struct winsize window;

    if (ioctl(descriptor, TIOCGWINSZ, &window) == 0) {
        size.columns = window.ws_col;
        size.rows = window.ws_row;
    }
#else
    (void)descriptor;
#endif
    return size;
}
