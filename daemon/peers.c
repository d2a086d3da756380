#include "peers.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "session.h"

struct peers {
    int fd_end;                                 /* no descriptor at or above it was ever met */
    uint32_t count;
    int fd_of[SESSION_COUNT_MAX];               /* by session number % SESSION_COUNT_MAX; a hint, checked when used */
    struct peer peer[PEERS_FD_MAX];
};

struct peers *peers_new(void)
{
    return calloc(1, sizeof(struct peers));     /* pages that are never used are never given */
}

void peers_free(struct peers **peers)
{
    free(*peers);
    *peers = NULL;
}

uint32_t peers_count(const struct peers *peers) { return peers->count; }

/* 0 when the descriptor is no socket of this moment. */
static uint64_t inode_of(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode) ? (uint64_t)st.st_ino : 0;
}

static void begin(struct peer *peer, int fd, uint8_t socket, int64_t boot_ms)
{
    *peer = (struct peer){ .here = true, .socket = socket, .sockets = (uint8_t)(peer->sockets | 1u << socket),
                           .inode = inode_of(fd), .since_boot_ms = boot_ms };
}

void peers_accepted(struct peers *peers, int fd, uint8_t socket, int64_t boot_ms)
{
    if (fd < 0 || fd >= PEERS_FD_MAX)
        return;
    peers->count += !peers->peer[fd].here;
    begin(&peers->peer[fd], fd, socket, boot_ms);
    if (fd >= peers->fd_end)
        peers->fd_end = fd + 1;
}

void peers_closed(struct peers *peers, int fd, uint8_t socket)
{
    if (fd < 0 || fd >= PEERS_FD_MAX || !peers->peer[fd].here)
        return;
    struct peer *peer = &peers->peer[fd];
    peer->sockets &= (uint8_t)~(1u << socket);
    if (peer->sockets == 0) {
        *peer = (struct peer){ .here = false };
        peers->count--;
    } else if (peer->socket == socket) {        /* the one who has the number now was heard of before */
        begin(peer, fd, (uint8_t)__builtin_ctz(peer->sockets), peer->since_boot_ms);
    }
}

struct peer *peers_heard(struct peers *peers, int fd, uint64_t session)
{
    if (fd < 0 || fd >= PEERS_FD_MAX)
        return NULL;
    struct peer *peer = &peers->peer[fd];
    if (!peer->here || (peer->session != 0 && peer->session != session))
        return NULL;
    peer->session = session;
    peers->fd_of[session % SESSION_COUNT_MAX] = fd;
    return peer;
}

struct peer *peers_at(struct peers *peers, int fd)
{
    return fd >= 0 && fd < PEERS_FD_MAX && peers->peer[fd].here ? &peers->peer[fd] : NULL;
}

struct peer *peers_of(struct peers *peers, uint64_t session)
{
    struct peer *peer = &peers->peer[peers->fd_of[session % SESSION_COUNT_MAX]];
    return peer->here && peer->session == session ? peer : NULL;
}

void peers_forget_session(struct peers *peers, uint64_t session)
{
    struct peer *peer = peers_of(peers, session);
    if (peer != NULL)
        peer->session = 0;
}

struct peer *peers_next(struct peers *peers, int *fd)
{
    for (; *fd < peers->fd_end; (*fd)++)
        if (peers->peer[*fd].here)
            return &peers->peer[*fd];
    return NULL;
}

bool peers_shut(const struct peer *peer, int fd)
{
    struct sockaddr_storage address;
    socklen_t len = sizeof address;
    return peer->inode != 0 && inode_of(fd) == peer->inode
        && getpeername(fd, (struct sockaddr *)&address, &len) == 0 && shutdown(fd, SHUT_RDWR) == 0;
}
