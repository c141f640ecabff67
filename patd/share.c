/* SPDX-License-Identifier: BSD-2-Clause */
#include "share.h"

#define ROOT 0

size_t
share_reserve(size_t max)
{
    if (max < 2)
        return 0;
    return max < 8 ? 1 : max / 8;
}

bool
share_allows(const struct share *s, uid_t uid, size_t held)
{
    size_t reserve = share_reserve(s->max);
    size_t common = s->max - reserve, used = s->held - s->root;

    if (s->root > reserve)
        used += s->root - reserve;
    if (uid == ROOT && held < reserve)
        return true;
    if (uid == ROOT)
        held -= reserve;
    return used < common && held < common - used;
}

void
share_take(struct share *s, uid_t uid)
{
    s->held++;
    if (uid == ROOT)
        s->root++;
}

void
share_return(struct share *s, uid_t uid)
{
    s->held--;
    if (uid == ROOT)
        s->root--;
}
