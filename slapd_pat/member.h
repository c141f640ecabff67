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
 * events. A person with no role left, or with none before, loses the tokens of that org.
 * A name of no person leaves no event.
 */
PAT_MUST_USE int pat_member_group_changed(
    struct pat_work *w, Entry *before, Entry *after);

/*
 * Any entry was added (`before` is NULL), deleted (`after` is NULL), renamed or changed.
 * `below`: it was renamed together with entries below it.
 *
 * A person that appears is added to the orgs whose role groups have the name already, and
 * one that ceases to be a person is removed; both leave their events. Tokens left of a
 * name that a person gets are revoked, and so are the tokens of an entry that is no
 * person any more. Groups and tokens follow a new name, and each person leaves an event
 * in each org. A deleted entry is removed from role groups; those whose class demands a
 * member keep the last one.
 */
PAT_MUST_USE int pat_member_person_changed(
    struct pat_work *w, Entry *before, Entry *after, bool below);

/*
 * Returns LDAP_COMPARE_TRUE if `person` is a person and has a role in the org, else
 * LDAP_COMPARE_FALSE, or LDAP_OTHER.
 */
PAT_MUST_USE int pat_member_has_role(
    struct pat_work *w, const struct berval *org, const struct berval *person);

/*
 * Returns whether a role group of the org was last changed on this server, so that
 * pat_member_leave() may have an effect. True also if that cannot be read.
 */
bool pat_member_may_leave(struct pat_work *w, const struct berval *org);

/*
 * Take the person out of those role groups of the org that were last changed on this
 * server; all follows as if a client had done it. Groups whose class demands a member
 * keep the last one.
 */
PAT_MUST_USE int pat_member_leave(
    struct pat_work *w, const struct berval *org, const struct berval *person);

#endif
