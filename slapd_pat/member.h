/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * member.h - who belongs to an org, and what follows when that changes
 *
 * Called with the main change applied and uncommitted. Results are LDAP result codes;
 * other than LDAP_SUCCESS, w->text says why.
 */
#ifndef PAT_SLAPD_MEMBER_H
#define PAT_SLAPD_MEMBER_H

#include "work.h"

/*
 * An entry that was or is a role group. `before` is NULL for a new one, `after` for one
 * that is gone. Persons whose strongest role in an org is another one now leave their
 * events; who has none left, and who had none before, loses the tokens of that org.
 */
PAT_MUST_USE int pat_member_group_changed(
    struct pat_work *w, Entry *before, Entry *after);

/*
 * Any entry was added (`before` is NULL), deleted (`after` is NULL), renamed or changed;
 * where it was renamed with `below`, other entries went with it.
 *
 * Added or renamed: tokens that have the new name already are those of somebody else, and
 * are revoked; also those of the entries below. Renamed: the groups and tokens that name
 * the entries follow. Deleted: its tokens are revoked in every org, and the role groups
 * that name it let go of it. Groups whose class demands a member keep the last one.
 */
PAT_MUST_USE int pat_member_person_changed(
    struct pat_work *w, Entry *before, Entry *after, bool below);

/* Has the person a role in the org? LDAP_COMPARE_TRUE or _FALSE. */
PAT_MUST_USE int pat_member_has_role(
    struct pat_work *w, const struct berval *org, const struct berval *person);

/*
 * Take the person out of those role groups of the org that were last changed on this
 * server; all follows as if a client had done it. Groups whose class demands a member
 * keep the last one.
 */
PAT_MUST_USE int pat_member_leave(
    struct pat_work *w, const struct berval *org, const struct berval *person);

#endif
