#include "endpoint.h"

/* Reads a decimal of at most five digits without leading zeroes; -1 when there is none. */
static long read_number(const char **text)
{
    long value = 0;
    const char *p = *text;
    if (*p == '0' && p[1] >= '0' && p[1] <= '9')
        return -1;
    for (; *p >= '0' && *p <= '9' && p - *text < 5; p++)
        value = value * 10 + (*p - '0');
    if (p == *text || (*p >= '0' && *p <= '9'))
        return -1;
    *text = p;
    return value;
}

/* Digits, colons and dots in brackets; the system says at bind whether it is an address. */
static bool skip_ipv6(const char **text)
{
    const char *end = strchr(*text, ']');
    size_t len = end != NULL ? (size_t)(end - *text) : 0;
    if (**text != '[' || len < 3 || len - 1 != strspn(*text + 1, "0123456789abcdefABCDEF:."))
        return false;
    *text = end + 1;
    return true;
}

static bool is_host(const char **text, enum endpoint_rule rule)
{
    static const char ipv6[] = "[::1]";
    if (strncmp(*text, ipv6, sizeof ipv6 - 1) == 0) {
        *text += sizeof ipv6 - 1;
        return true;
    }
    if (rule == ENDPOINT_ANY && **text == '*')
        return *++*text == ':';
    if (rule == ENDPOINT_ANY && **text == '[')
        return skip_ipv6(text);
    for (int i = 0; i < 4; i++) {
        long octet = read_number(text);
        if (octet < 0 || octet > 255 || (i == 0 && octet != 127 && rule != ENDPOINT_ANY))
            return false;
        if (i < 3 && *(*text)++ != '.')
            return false;
    }
    return true;
}

static bool is_port(const char *text)
{
    if (strcmp(text, "*") == 0)
        return true;
    long port = read_number(&text);
    return port >= 1 && port <= 65535 && *text == '\0';
}

static struct endpoint_verdict check_ipc(const char *path)
{
    size_t len = strlen(path);
    if (path[0] != '/' || path[len - 1] == '/')
        return (struct endpoint_verdict){ "an ipc endpoint is the absolute path of a socket",
                                          "write it as ipc:///folder/name" };
    if (len > ENDPOINT_BYTES_MAX - 6)
        return (struct endpoint_verdict){ "the path of a socket has at most 107 bytes", "use a shorter folder" };
    return (struct endpoint_verdict){ NULL, NULL };
}

struct endpoint_verdict endpoint_check(const char *endpoint, enum endpoint_rule rule)
{
    if (strncmp(endpoint, "ipc://", 6) == 0)
        return check_ipc(endpoint + 6);
    if (rule == ENDPOINT_IPC)
        return (struct endpoint_verdict){ "without keys admin listens on ipc only",
                                          "write ipc:///folder/admin; the folder is its owner's alone (0700)" };
    if (strncmp(endpoint, "tcp://", 6) != 0)
        return (struct endpoint_verdict){ "an endpoint is tcp:// or ipc://",
                                          "write tcp://127.0.0.1:port or ipc:///folder/name" };
    const char *rest = endpoint + 6;
    bool host = is_host(&rest, rule);
    if (!host && rule == ENDPOINT_ANY)
        return (struct endpoint_verdict){ "that is no address; names are not resolved",
                                          "use an address of this machine, written as digits, or *" };
    if (!host)
        return (struct endpoint_verdict){ "without keys only this machine may connect",
                                          "use an address in 127.0.0.0/8 or [::1], written as digits" };
    if (*rest++ != ':' || !is_port(rest))
        return (struct endpoint_verdict){ "a tcp endpoint ends in a port", "add :1 to :65535, or :* for a free one" };
    return (struct endpoint_verdict){ NULL, NULL };
}

bool endpoint_ipc_folder(const char *endpoint, char *out, size_t cap)
{
    if (strncmp(endpoint, "ipc://", 6) != 0)
        return false;
    const char *path = endpoint + 6;
    const char *slash = strrchr(path, '/');
    assert(slash != NULL);
    size_t len = slash == path ? 1 : (size_t)(slash - path);
    assert(len < cap);
    memcpy(out, path, len);
    out[len] = '\0';
    return true;
}
