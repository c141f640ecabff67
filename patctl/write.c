/* SPDX-License-Identifier: BSD-2-Clause */
#include "write.h"

#include <errno.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "say.h"

int
write_secret(const char *text, size_t len)
{
    size_t done = 0;

    while (done < len) {
        ssize_t n = write(STDOUT_FILENO, text + done, len - done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        done += (size_t)n;
    }
    if (len > 0 && done == len)
        return EX_OK;
    say_error("cannot write the token to standard output: %s", strerror(errno));
    return EX_IOERR;
}
