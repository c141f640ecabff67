/* SPDX-License-Identifier: BSD-2-Clause */
/* The files that are named go through a harness, without a fuzzer or sanitizers. */
#include <sanitizer/lsan_interface.h>

#include "fuzz.h"

#define FILE_MAX 65536

void
__lsan_disable(void)
{
}

void
__lsan_enable(void)
{
}

int
main(int argc, char **argv)
{
    static uint8_t data[FILE_MAX];

    for (int i = 1; i < argc; i++) {
        FILE *file = fopen(argv[i], "r");
        size_t len;

        if (file == NULL) {
            perror(argv[i]);
            return 1;
        }
        len = fread(data, 1, sizeof(data), file);
        (void)fclose(file);
        (void)LLVMFuzzerTestOneInput(data, len);
    }
    return 0;
}
