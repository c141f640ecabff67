/* SPDX-License-Identifier: BSD-2-Clause */
#include "faults.h"

#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <unistd.h>

#include "path.h"

/* So few bytes in a row give a secret away. */
#define PIECE 8

_Thread_local struct faults faults;

bool
faults_hit(void)
{
    static const int errors[] = {EINTR, EAGAIN, EPIPE, ECONNRESET, ECONNREFUSED, ENOMEM};
    size_t call = faults.calls++;

    if (!faults.armed || call >= (size_t)FAULTS_SIZE * 8 ||
        (faults.bits[call / 8] >> (call % 8) & 1) == 0)
        return false;
    faults.hits++;
    errno = errors[call % (sizeof(errors) / sizeof(errors[0]))];
    return true;
}

static bool
holds_secret(const void *p, size_t len)
{
    static const char token[] = TOKEN, password[] = PASSWORD;

    /* What every token begins with is no secret. */
    for (size_t i = strlen("rhp_"); i + PIECE < sizeof(token); i += PIECE)
        if (memmem(p, len, token + i, PIECE) != NULL)
            return true;
    return memmem(p, len, password, PIECE) != NULL;
}

bool
faults_tell(const void *p, size_t len)
{
    return !faults.told && holds_secret(p, len);
}

void
faults_begin(const uint8_t *bits, bool pieces, const uint8_t *answer, size_t answer_len)
{
    memset(&faults, 0, sizeof(faults));
    faults.bits = bits;
    faults.pieces = pieces;
    faults.answer = answer;
    faults.answer_len = answer_len;
    faults.told = holds_secret(answer, answer_len);
}

void
faults_accepted(struct pat_proto_request *ret_request, struct pat_identity *ret_id)
{
    enum pat_err status = PAT_ERR_COUNT;

    MUST(pat_proto_decode_request(faults.request, faults.request_len, ret_request) ==
         PAT_OK);
    MUST(ret_request->op == PAT_OP_VERIFY && ret_request->last);
    MUST(pat_proto_decode_answer(faults.answer, faults.received, &status, ret_id) ==
         PAT_OK);
    MUST(status == PAT_OK);
}

void
faults_end(void)
{
    MUST(faults.open == 0);
    MUST(faults.blocks == 0);
}

/* Memory. The linker sends the module's calls here. */

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
char *__real_strdup(const char *s);
char *__wrap_strdup(const char *s);
char *__real_strndup(const char *s, size_t len);
char *__wrap_strndup(const char *s, size_t len);
int __wrap_asprintf(char **ret, const char *fmt, ...);
void __real_free(void *p);
void __wrap_free(void *p);

static void *
counted(void *p)
{
    if (p != NULL)
        faults.blocks++;
    return p;
}

void *
__wrap_malloc(size_t size)
{
    return faults.armed && faults_hit() ? NULL : counted(__real_malloc(size));
}

void *
__wrap_calloc(size_t count, size_t size)
{
    return faults.armed && faults_hit() ? NULL : counted(__real_calloc(count, size));
}

char *
__wrap_strdup(const char *s)
{
    return faults.armed && faults_hit() ? NULL : counted(__real_strdup(s));
}

char *
__wrap_strndup(const char *s, size_t len)
{
    return faults.armed && faults_hit() ? NULL : counted(__real_strndup(s, len));
}

int
__wrap_asprintf(char **ret, const char *fmt, ...)
{
    va_list args;
    int n;

    if (faults.armed && faults_hit())
        return -1;
    va_start(args, fmt);
    n = vasprintf(ret, fmt, args);
    va_end(args);
    if (n >= 0)
        (void)counted(*ret);
    return n;
}

void
__wrap_free(void *p)
{
    if (p != NULL) {
        faults.blocks--;
        MUST(!faults.armed || !faults_tell(p, malloc_usable_size(p)));
    }
    __real_free(p);
}

/* patd */

int __real_socket(int domain, int type, int protocol);
int __wrap_socket(int domain, int type, int protocol);
enum pat_err __wrap_pat_path_check(
    const char *path, enum pat_path_end end, int *ret_errno, struct pat_diag *diag);
int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t len);
int __wrap_connect(int fd, const struct sockaddr *addr, socklen_t len);
int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout_ms);
ssize_t __wrap_send(int fd, const void *buf, size_t len, int flags);
ssize_t __wrap_recv(int fd, void *buf, size_t len, int flags);
int __real_close(int fd);
int __wrap_close(int fd);

int
__wrap_socket(int domain, int type, int protocol)
{
    int fd = faults.armed && faults_hit() ? -1 : __real_socket(domain, type, protocol);

    if (faults.armed && fd >= 0) {
        faults.sockets++;
        faults.open++;
    }
    return fd;
}

/* patd's socket is not there, and its path not what these harnesses are about. */
enum pat_err
__wrap_pat_path_check(
    const char *path, enum pat_path_end end, int *ret_errno, struct pat_diag *diag)
{
    (void)path;
    (void)end;
    (void)ret_errno;
    (void)diag;
    return PAT_OK;
}

int
__wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
    (void)fd;
    (void)level;
    (void)name;
    (void)value;
    (void)len;
    return faults_hit() ? -1 : 0;
}

int
__wrap_connect(int fd, const struct sockaddr *addr, socklen_t len)
{
    (void)fd;
    (void)addr;
    (void)len;
    return faults_hit() ? -1 : 0;
}

int
__wrap_poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
    (void)fds;
    (void)timeout_ms;
    if (!faults_hit())
        return (int)count;
    return errno == EAGAIN ? 0 : -1;
}

ssize_t
__wrap_send(int fd, const void *buf, size_t len, int flags)
{
    size_t n = faults.pieces ? len / 2 + 1 : len;

    (void)fd;
    MUST((flags & MSG_NOSIGNAL) != 0);
    if (faults_hit())
        return -1;
    MUST(n <= sizeof(faults.request) - faults.request_len);
    memcpy(faults.request + faults.request_len, buf, n);
    faults.request_len += n;
    return (ssize_t)n;
}

ssize_t
__wrap_recv(int fd, void *buf, size_t len, int flags)
{
    size_t left = faults.answer_len - faults.received;
    size_t n = faults.pieces ? 3 : len;

    (void)fd;
    (void)flags;
    if (faults_hit())
        return -1;
    n = n < len ? n : len;
    n = n < left ? n : left;
    if (n > 0)
        memcpy(buf, faults.answer + faults.received, n);
    faults.received += n;
    return (ssize_t)n;
}

int
__wrap_close(int fd)
{
    if (faults.armed)
        faults.open--;
    return __real_close(fd);
}
