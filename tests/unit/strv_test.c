/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include <string.h>

#include "strv.h"

struct contains_row {
    const char *name;
    const char *const *list;
    const char *s;
    bool exact, nocase;
};

static const struct contains_row finds[] = {
    {"the only one", LIST("acme"), "acme", true, true},
    {"the last", LIST("a", "b", "acme"), "acme", true, true},
    {"an empty string that is there", LIST("a", ""), "", true, true},
    {"case differs in the list", LIST("ACME"), "acme", false, true},
    {"case differs in the question", LIST("acme"), "aCmE", false, true},
    {"every letter", LIST("ABCDEFGHIJKLMNOPQRSTUVWXYZ"), "abcdefghijklmnopqrstuvwxyz",
        false, true},
    {"NULL is the empty list", NULL, "acme", false, false},
    {"an empty list", LIST(NULL), "acme", false, false},
    {"not there", LIST("acme", "globex"), "initech", false, false},
    {"longer than what is there", LIST("acme"), "acmes", false, false},
    {"shorter than what is there", LIST("acme"), "acm", false, false},
    {"empty, and not there", LIST("acme"), "", false, false},
    {"there is an empty one", LIST(""), "acme", false, false},
    {"no glob", LIST("*"), "acme", false, false},
    {"the neighbours of the letters", LIST("@[`{"), "`{@[", false, false},
    {"not folded: @ and `", LIST("@"), "`", false, false},
    {"not folded: [ and {", LIST("["), "{", false, false},
    {"not folded: UTF-8", LIST("\xc3\x89"), "\xc3\xa9", false, false},
    {"not folded: Latin-1", LIST("\xc9"), "\xe9", false, false},
    {"not folded: the Turkish i", LIST("\xc4\xb0"), "i", false, false},
};

static void
contains(void **state)
{
    const struct contains_row *row = *state;

    unit_check_int("to the byte", pat_strv_contains(row->list, row->s), row->exact);
    unit_check_int(
        "whatever the case", pat_strv_contains_nocase(row->list, row->s), row->nocase);
}

struct split_row {
    const char *name;
    const char *text;
    size_t max;
    const char *const *want; /* NULL = refused */
    const char *why;
};

#define EMPTY "empty item in list"
#define MANY  "too many items in list"

static const struct split_row splits[] = {
    {"one", "a", 4, LIST("a"), NULL},
    {"two", "a,b", 4, LIST("a", "b"), NULL},
    {"as many as may be", "a,b,c,d", 4, LIST("a", "b", "c", "d"), NULL},
    {"white space around items", " a ,\tb\t, c", 4, LIST("a", "b", "c"), NULL},
    {"white space within an item", "a b,c", 4, LIST("a b", "c"), NULL},
    {"one where one may be", "a", 1, LIST("a"), NULL},
    {"the same twice", "a,a", 4, LIST("a", "a"), NULL},
    {"a line break is no white space", "a\n,b", 4, LIST("a\n", "b"), NULL},
    {"empty", "", 4, NULL, EMPTY},
    {"a space", " ", 4, NULL, EMPTY},
    {"a comma", ",", 4, NULL, EMPTY},
    {"a comma in front", ",a", 4, NULL, EMPTY},
    {"a comma behind", "a,", 4, NULL, EMPTY},
    {"a comma and a space behind", "a, ", 4, NULL, EMPTY},
    {"two commas", "a,,b", 4, NULL, EMPTY},
    {"two commas around a space", "a, ,b", 4, NULL, EMPTY},
    {"one too many", "a,b,c,d,e", 4, NULL, MANY},
    {"one where none may be", "a", 0, NULL, MANY},
    {"many too many", "a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q,r,s,t,u,v,w,x,y,z", 4, NULL,
        MANY},
};

static void
split(void **state)
{
    const struct split_row *row = *state;
    const char *why = NULL;
    char **got = pat_strv_split(row->text, row->max, &why);

    if (row->want == NULL) {
        assert_null(got);
        unit_check_string("why", why, row->why);
        return;
    }
    assert_non_null(got);
    unit_check_int("items", pat_strv_len(pat_strv_const(got)), pat_strv_len(row->want));
    for (size_t i = 0; row->want[i] != NULL; i++)
        unit_check_string("item", got[i], row->want[i]);
    pat_strv_free(got);
}

static void
len(void **state)
{
    (void)state;
    unit_check_int("NULL", pat_strv_len(NULL), 0);
    unit_check_int("none", pat_strv_len(LIST(NULL)), 0);
    unit_check_int("three", pat_strv_len(LIST("a", "", "c")), 3);
}

static void
free_null(void **state)
{
    (void)state;
    pat_strv_free(NULL);
}

int
main(void)
{
    UNIT_TABLE("contains", contains, finds);
    UNIT_TABLE("split", split, splits);
    unit_add("len", "NULL is the empty list", len, NULL);
    unit_add("free", "NULL is accepted", free_null, NULL);
    return unit_run("strv");
}
