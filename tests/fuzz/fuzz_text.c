/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a directory says, on a terminal: whatever it is, nothing of it is obeyed, and
 * nothing hides. The first byte is how many columns there are.
 */
#include <locale.h>

#include "fuzz.h"
#include "message.h" /* a second opinion on what is UTF-8 */
#include "text.h"

static bool
is_harmless(const char *s)
{
    size_t len = strlen(s);

    for (size_t i = 0; i < len;) {
        uint32_t c;

        i += text_decode(s + i, len - i, &c);
        if (c == UINT32_MAX || text_unsafe(c))
            return false;
    }
    return true;
}

static void
fits(const char *s, size_t columns)
{
    size_t width = 0, whole = text_width(s);
    const char *omission = NULL;
    size_t n = text_fit(s, columns, &width, &omission);

    MUST(n <= strlen(s) && width <= columns);
    MUST(utf8_valid(s, n));
    MUST((n == strlen(s)) == (whole <= columns));
    MUST((omission[0] == '\0') == (n == strlen(s) || columns == 0));
}

static void
escapes(const char *in, size_t size, size_t columns)
{
    char *shown = text_escape(in, size), *filed = text_escape_for_file(in, size);
    char *again;

    MUST(shown != NULL && filed != NULL);
    MUST(is_harmless(shown) && is_harmless(filed));
    /* What is harmless stays as it is. */
    again = text_escape(shown, strlen(shown));
    MUST(again != NULL && strcmp(again, shown) == 0);
    fits(shown, columns);
    free(again);
    free(shown);
    free(filed);
}

static void
repairs(const char *in, size_t size)
{
    char *s = text_utf8(in, size), *again;

    MUST(s != NULL);
    if (memchr(in, '\0', size) == NULL) {
        again = text_utf8(s, strlen(s));
        MUST(again != NULL && strcmp(again, s) == 0);
        MUST(utf8_valid(s, strlen(s)));
        MUST(utf8_valid(in, size) == (strlen(s) == size && memcmp(s, in, size) == 0));
        free(again);
    }
    free(s);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool ready;
    char *in;

    if (!ready) {
        MUST(setenv("LC_ALL", "C.UTF-8", 1) == 0);
        text_init();
        ready = true;
    }
    if (size == 0)
        return 0;
    in = fuzz_copy(data + 1, --size);
    escapes(in, size, data[0]);
    repairs(in, size);
    free(in);
    return 0;
}
