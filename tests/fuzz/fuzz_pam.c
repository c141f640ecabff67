/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pam_pat.so in a bad world: the whole of its code, with calls that fail where the first
 * bytes say so, bit by bit, and a patd that answers what is left of the input. Never
 * PAM_SUCCESS unless an acceptance arrived, whole, to a request that was sent, whole; no
 * token in memory that is given back, nor in a log; no descriptor and no memory lost.
 *
 * The host is a handful of variables here: libpam itself is not what is tried.
 */
#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <unistd.h>

#define PAM_SM_AUTH
#define PAM_SM_ACCOUNT
#include <security/pam_ext.h>
#include <security/pam_modules.h>

#include "fuzz.h"
#include "proto.h"

#define TOKEN       "rhp_Abcdefghijklmnopqrstuvwxyz0123453S6DLx"
#define FAULTS_SIZE 16 /* bytes of the input, a bit for each call */
#define ENV_MAX     16

/* Bits of the byte behind these. */
enum choice {
    NO_CONVERSATION = 1,
    NO_ANSWER = 2,
    A_PASSWORD = 4,
    SHARED = 8,
    FIRST_PASS = 16,
    PIECES = 32,
    WRONG_ARGUMENT = 64,
};

static _Thread_local bool armed; /* the module is running */

static struct {
    const uint8_t *faults;
    size_t calls;
    uint8_t choice;
    const uint8_t *answer;
    size_t answer_len, received;
    uint8_t request[PAT_MSG_MAX];
    size_t request_len;
    int open;      /* descriptors of the module */
    char *authtok; /* PAM's */
    char *env[ENV_MAX];
    const void *data;
} world;

static const char *
password(void)
{
    return (world.choice & A_PASSWORD) != 0 ? "correct horse" : TOKEN;
}

/* Is it this call's turn to fail? Then with an errno that is one of the usual. */
static bool
fails(void)
{
    static const int errors[] = {EINTR, EAGAIN, EPIPE, ECONNRESET, ECONNREFUSED, ENOMEM};
    size_t call = world.calls++;

    if (!armed || call >= (size_t)FAULTS_SIZE * 8 ||
        (world.faults[call / 8] >> (call % 8) & 1) == 0)
        return false;
    errno = errors[call % (sizeof(errors) / sizeof(errors[0]))];
    return true;
}

/* Memory. The linker sends the module's calls here. */

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
char *__real_strdup(const char *s);
char *__wrap_strdup(const char *s);
char *__real_strndup(const char *s, size_t len);
char *__wrap_strndup(const char *s, size_t len);
int __wrap_asprintf(char **ret, const char *fmt, ...);
void __real_free(void *p);
void __wrap_free(void *p);

void *
__wrap_calloc(size_t count, size_t size)
{
    return armed && fails() ? NULL : __real_calloc(count, size);
}

char *
__wrap_strdup(const char *s)
{
    return armed && fails() ? NULL : __real_strdup(s);
}

char *
__wrap_strndup(const char *s, size_t len)
{
    return armed && fails() ? NULL : __real_strndup(s, len);
}

int
__wrap_asprintf(char **ret, const char *fmt, ...)
{
    va_list args;
    int n;

    if (armed && fails())
        return -1;
    va_start(args, fmt);
    n = vasprintf(ret, fmt, args);
    va_end(args);
    return n;
}

void
__wrap_free(void *p)
{
    if (armed && p != NULL)
        MUST(memmem(p, malloc_usable_size(p), TOKEN, strlen(TOKEN)) == NULL);
    __real_free(p);
}

/* patd */

int __real_socket(int domain, int type, int protocol);
int __wrap_socket(int domain, int type, int protocol);
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
    int fd = armed && fails() ? -1 : __real_socket(domain, type, protocol);

    if (armed && fd >= 0)
        world.open++;
    return fd;
}

int
__wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
    (void)fd;
    (void)level;
    (void)name;
    (void)value;
    (void)len;
    return fails() ? -1 : 0;
}

int
__wrap_connect(int fd, const struct sockaddr *addr, socklen_t len)
{
    (void)fd;
    (void)addr;
    (void)len;
    return fails() ? -1 : 0;
}

int
__wrap_poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
    (void)fds;
    (void)timeout_ms;
    if (!fails())
        return (int)count;
    return errno == EAGAIN ? 0 : -1;
}

ssize_t
__wrap_send(int fd, const void *buf, size_t len, int flags)
{
    size_t n = (world.choice & PIECES) != 0 ? len / 2 + 1 : len;

    (void)fd;
    MUST((flags & MSG_NOSIGNAL) != 0);
    if (fails())
        return -1;
    MUST(n <= sizeof(world.request) - world.request_len);
    memcpy(world.request + world.request_len, buf, n);
    world.request_len += n;
    return (ssize_t)n;
}

ssize_t
__wrap_recv(int fd, void *buf, size_t len, int flags)
{
    size_t left = world.answer_len - world.received;
    size_t n = (world.choice & PIECES) != 0 ? 3 : len;

    (void)fd;
    (void)flags;
    if (fails())
        return -1;
    n = n < len ? n : len;
    n = n < left ? n : left;
    if (n > 0)
        memcpy(buf, world.answer + world.received, n);
    world.received += n;
    return (ssize_t)n;
}

int
__wrap_close(int fd)
{
    if (armed)
        world.open--;
    return __real_close(fd);
}

/* The host */

static int
converse(int count, const struct pam_message **msgs, struct pam_response **ret, void *arg)
{
    bool was = armed;

    (void)msgs;
    (void)arg;
    MUST(count == 1);
    if (fails())
        return PAM_CONV_ERR;
    armed = false;
    *ret = calloc(1, sizeof(**ret));
    MUST(*ret != NULL);
    if ((world.choice & NO_ANSWER) == 0)
        (*ret)->resp = fuzz_string(password(), strlen(password()));
    armed = was;
    return PAM_SUCCESS;
}

int
pam_get_item(const pam_handle_t *pamh, int type, const void **ret)
{
    static const struct pam_conv conv = {converse, NULL};

    (void)pamh;
    if (fails())
        return PAM_SYSTEM_ERR;
    *ret = NULL;
    if (type == PAM_CONV && (world.choice & NO_CONVERSATION) == 0)
        *ret = &conv;
    if (type == PAM_AUTHTOK)
        *ret = world.authtok;
    if (type == PAM_SERVICE)
        *ret = "sshd";
    if (type == PAM_RHOST)
        *ret = "192.0.2.7";
    return PAM_SUCCESS;
}

static void
forget_authtok(void)
{
    if (world.authtok != NULL)
        explicit_bzero(world.authtok, strlen(world.authtok));
    free(world.authtok);
    world.authtok = NULL;
}

int
pam_set_item(pam_handle_t *pamh, int type, const void *item)
{
    (void)pamh;
    MUST(type == PAM_AUTHTOK);
    if (fails())
        return PAM_BUF_ERR;
    forget_authtok();
    world.authtok = __real_strdup(item);
    return PAM_SUCCESS;
}

int
pam_get_user(pam_handle_t *pamh, const char **ret, const char *prompt)
{
    (void)pamh;
    (void)prompt;
    if (fails())
        return PAM_CONV_ERR;
    *ret = (world.choice & SHARED) != 0 ? "git" : "alice";
    return PAM_SUCCESS;
}

static size_t
find_env(const char *name, size_t len)
{
    size_t i = 0;

    while (i < ENV_MAX - 1 && world.env[i] != NULL &&
           !(strncmp(world.env[i], name, len) == 0 && world.env[i][len] == '='))
        i++;
    MUST(i < ENV_MAX - 1);
    return i;
}

const char *
pam_getenv(pam_handle_t *pamh, const char *name)
{
    const char *text = world.env[find_env(name, strlen(name))];

    (void)pamh;
    return text != NULL ? text + strlen(name) + 1 : NULL;
}

int
pam_putenv(pam_handle_t *pamh, const char *text)
{
    size_t len = strcspn(text, "="), i = find_env(text, len);

    (void)pamh;
    if (text[len] == '\0') { /* take it out */
        __real_free(world.env[i]);
        for (; world.env[i] != NULL; i++)
            world.env[i] = world.env[i + 1];
        return PAM_SUCCESS;
    }
    MUST(strchr(text, '\n') == NULL);
    if (fails())
        return PAM_BUF_ERR;
    __real_free(world.env[i]);
    world.env[i] = __real_strdup(text);
    return PAM_SUCCESS;
}

int
pam_set_data(pam_handle_t *pamh, const char *name, void *data,
    void (*cleanup)(pam_handle_t *pamh, void *data, int status))
{
    (void)pamh;
    (void)name;
    MUST(cleanup == NULL);
    if (data != NULL && fails())
        return PAM_BUF_ERR;
    world.data = data;
    return PAM_SUCCESS;
}

int
pam_get_data(const pam_handle_t *pamh, const char *name, const void **ret)
{
    (void)pamh;
    (void)name;
    *ret = world.data;
    return world.data != NULL ? PAM_SUCCESS : PAM_NO_MODULE_DATA;
}

int
pam_fail_delay(pam_handle_t *pamh, unsigned microseconds)
{
    (void)pamh;
    (void)microseconds;
    return PAM_SUCCESS;
}

const char *
pam_strerror(pam_handle_t *pamh, int rc)
{
    (void)pamh;
    (void)rc;
    return "what PAM says";
}

void
pam_syslog(const pam_handle_t *pamh, int priority, const char *fmt, ...)
{
    char line[4096];
    va_list args;

    (void)pamh;
    (void)priority;
    va_start(args, fmt);
    (void)vsnprintf(line, sizeof(line), fmt, args);
    va_end(args);
    MUST(strstr(line, password()) == NULL);
}

/* Not to be looked into. */
static pam_handle_t *
handle(void)
{
    static char there;

    return (pam_handle_t *)(void *)&there;
}

/* The token was asked about, and what came back accepts it. */
static void
is_granted(void)
{
    struct pat_proto_request request;
    struct pat_identity id;
    enum pat_err status = PAT_ERR_COUNT;

    MUST(pat_proto_decode_request(world.request, world.request_len, &request) == PAT_OK);
    MUST(request.op == PAT_OP_VERIFY && request.token_len == strlen(TOKEN));
    MUST(memcmp(request.token, TOKEN, strlen(TOKEN)) == 0);
    MUST(request.req.any_user == ((world.choice & SHARED) != 0));
    MUST(pat_proto_decode_answer(world.answer, world.received, &status, &id) == PAT_OK);
    MUST(status == PAT_OK);
    MUST(pam_getenv(handle(), "PAT_ID") != NULL &&
         pam_getenv(handle(), "PAT_USER") != NULL);
}

static void
log_in(void)
{
    const char *argv[] = {"shared=git,mcp", "debug", NULL, NULL};
    int argc = 2, rc;

    if ((world.choice & FIRST_PASS) != 0)
        argv[argc++] = "try_first_pass";
    if ((world.choice & WRONG_ARGUMENT) != 0)
        argv[argc++] = "sokcet=/run/patd.sock";
    armed = true;
    rc = pam_sm_authenticate(handle(), 0, argc, argv);
    armed = false;
    MUST(world.open == 0);
    if (rc == PAM_SUCCESS) {
        is_granted();
    } else {
        MUST(pam_getenv(handle(), "PAT_ID") == NULL &&
             pam_getenv(handle(), "PAT_USER") == NULL);
        MUST(rc != PAM_IGNORE || (world.choice & A_PASSWORD) != 0);
    }
    MUST(pam_sm_acct_mgmt(handle(), 0, argc, argv) ==
         (rc == PAM_SUCCESS ? PAM_SUCCESS : PAM_IGNORE));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size <= FAULTS_SIZE)
        return 0;
    memset(&world, 0, sizeof(world));
    world.faults = data;
    world.choice = data[FAULTS_SIZE];
    world.answer = data + FAULTS_SIZE + 1;
    world.answer_len = size - FAULTS_SIZE - 1;
    log_in();
    forget_authtok();
    for (size_t i = 0; i < ENV_MAX; i++)
        __real_free(world.env[i]);
    return 0;
}
