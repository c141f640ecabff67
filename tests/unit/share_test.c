/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include "share.h"

#define USERS 64

/* Takes as many places as one user gets; returns how many these are. */
static size_t
take_all(struct share *s, uid_t uid, size_t held)
{
    size_t before = held;

    while (share_allows(s, uid, held)) {
        share_take(s, uid);
        held++;
        if (held > s->max)
            fail_msg("a user gets more places than there are");
    }
    return held - before;
}

struct row {
    const char *name;
    size_t max;
    size_t first, second, third; /* what three users get, one after another */
    size_t root;                 /* and root then */
};

static const struct row rows[] = {
    {"no place", 0, 0, 0, 0, 0},
    {"one place is anybody's", 1, 1, 0, 0, 0},
    {"of two one is root's", 2, 1, 0, 0, 1},
    {"three", 3, 1, 1, 0, 1},
    {"seven", 7, 3, 2, 1, 1},
    {"eight", 8, 4, 2, 1, 1},
    {"the default of queue_max", 256, 112, 56, 28, 46},
    {"the default of clients_max", 1024, 448, 224, 112, 184},
    {"as many as there can be", 65536, 28672, 14336, 7168, 11776},
};

static void
divides(void **state)
{
    const struct row *row = *state;
    struct share s = {.max = row->max};

    unit_check_int("first", (int)take_all(&s, 1000, 0), (int)row->first);
    unit_check_int("second", (int)take_all(&s, 1001, 0), (int)row->second);
    unit_check_int("third", (int)take_all(&s, 1002, 0), (int)row->third);
    unit_check_int("root", (int)take_all(&s, 0, 0), (int)row->root);
    assert_true(s.held <= s.max);
}

/* However many users there are, root's part is left to root. */
static void
keeps_root_part(void **state)
{
    struct share s = {.max = 1024};

    (void)state;
    for (uid_t uid = 1; uid <= USERS; uid++)
        (void)take_all(&s, uid, 0);
    unit_check_int("held", (int)s.held, 1024 - (int)share_reserve(1024));
    assert_true(take_all(&s, 0, 0) == share_reserve(1024));
    assert_false(share_allows(&s, 1, 0));
    assert_false(share_allows(&s, USERS + 1, 0));
}

/* Root takes no more of the common part than another user would. */
static void
root_leaves_a_share(void **state)
{
    struct share s = {.max = 1024};

    (void)state;
    unit_check_int("root", (int)take_all(&s, 0, 0), 128 + 448);
    unit_check_int("a user", (int)take_all(&s, 1000, 0), 224);
    unit_check_int("another", (int)take_all(&s, 1001, 0), 112);
}

/* Places that are given back can be taken again, by any user with room left. */
static void
gives_back(void **state)
{
    struct share s = {.max = 256};
    size_t first = take_all(&s, 1000, 0), root;

    (void)state;
    assert_false(share_allows(&s, 1000, first));
    share_return(&s, 1000);
    assert_true(share_allows(&s, 1000, first - 1));
    share_take(&s, 1000);
    root = take_all(&s, 0, 0);
    share_return(&s, 1000);
    assert_false(share_allows(&s, 1000, first - 1)); /* root needs the share now */
    share_take(&s, 1000);
    for (size_t i = 0; i < first; i++)
        share_return(&s, 1000);
    for (size_t i = 0; i < root; i++)
        share_return(&s, 0);
    unit_check_int("held", (int)s.held, 0);
    unit_check_int("by root", (int)s.root, 0);
    assert_true(take_all(&s, 1001, 0) == first);
}

/* A place that was taken without a question, as for a request behind an answer. */
static void
bears_more_than_there_are(void **state)
{
    struct share s = {.max = 2};

    (void)state;
    for (int i = 0; i < 4; i++)
        share_take(&s, 1000);
    assert_false(share_allows(&s, 1000, 4));
    assert_false(share_allows(&s, 1001, 0));
    assert_true(share_allows(&s, 0, 0));
}

int
main(void)
{
    UNIT_TABLE("divides", divides, rows);
    unit_add("root", "a part is for root alone", keeps_root_part, NULL);
    unit_add("root", "leaves a share to others", root_leaves_a_share, NULL);
    unit_add("places", "can be given back", gives_back, NULL);
    unit_add("places", "more than there are", bears_more_than_there_are, NULL);
    return unit_run("share");
}
