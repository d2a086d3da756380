#include "rfl_link.h"

#include <zmq.h>

enum {
    KEY_CHARS = 40, EVENTS_MAX = 256,   /* in one look */
    /* A daemon that stops in the middle of a handshake looks the same once, but not twice. */
    DROPPED_FOR_SURE = 2
};

static bool set_keys(void *socket, const struct rfl_client_options *options)
{
    const struct { int option; const char *key; } keys[] = {
        { ZMQ_CURVE_SERVERKEY, options->server_key }, { ZMQ_CURVE_PUBLICKEY, options->public_key },
        { ZMQ_CURVE_SECRETKEY, options->secret_key } };
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (keys[i].key == NULL || strlen(keys[i].key) != KEY_CHARS
            || zmq_setsockopt(socket, keys[i].option, keys[i].key, KEY_CHARS + 1) == -1)
            return false;
    return true;
}

enum rfl_err rfl_link_open(struct rfl_link *link, void *context, void *socket, const struct rfl_client_options *options)
{
    int linger = 0, unlimited = 0;
    link->has_keys = options->server_key != NULL || options->public_key != NULL || options->secret_key != NULL;
    link->trouble = RFL_TROUBLE_UNREACHABLE;
    if (link->has_keys && !set_keys(socket, options))
        return RFL_E_INVALID;
    if (zmq_socket_monitor(socket, "inproc://link", ZMQ_EVENT_CLOSED | ZMQ_EVENT_DISCONNECTED
                           | ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL
                           | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH) == -1)
        return RFL_E_IO;
    link->monitor = zmq_socket(context, ZMQ_PAIR);
    if (link->monitor == NULL
        || zmq_setsockopt(link->monitor, ZMQ_LINGER, &linger, sizeof linger) == -1
        || zmq_setsockopt(link->monitor, ZMQ_RCVHWM, &unlimited, sizeof unlimited) == -1
        || zmq_connect(link->monitor, "inproc://link") == -1)
        return RFL_E_IO;
    return RFL_E_OK;
}

void rfl_link_close(struct rfl_link *link, void *socket)
{
    if (link->monitor == NULL)
        return;
    (void)zmq_socket_monitor(socket, NULL, 0);
    (void)zmq_close(link->monitor);
    link->monitor = NULL;
}

static void heed(struct rfl_link *link, uint16_t event, uint32_t value)
{
    switch (event) {
    case ZMQ_EVENT_HANDSHAKE_SUCCEEDED:
        link->trouble = RFL_TROUBLE_NONE;
        link->dropped = 0;
        break;
    case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
        link->trouble = value == 400 ? RFL_TROUBLE_KEY_NOT_KNOWN
                      : value == 500 ? RFL_TROUBLE_KEY_ENDED : RFL_TROUBLE_REFUSED;
        break;
    case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
        /* The daemon cannot read a HELLO sealed for another key, and nobody can answer what cannot be read. */
        if (++link->dropped >= DROPPED_FOR_SURE)
            link->trouble = link->has_keys ? RFL_TROUBLE_WRONG_SERVER_KEY : RFL_TROUBLE_REFUSED;
        break;
    case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
        link->trouble = RFL_TROUBLE_REFUSED;
        break;
    case ZMQ_EVENT_CLOSED:
        link->trouble = RFL_TROUBLE_UNREACHABLE;
        link->dropped = 0;
        break;
    case ZMQ_EVENT_DISCONNECTED:
        if (link->trouble == RFL_TROUBLE_NONE)
            link->trouble = RFL_TROUBLE_UNREACHABLE;
        break;
    default:
        break;
    }
}

void rfl_link_look(struct rfl_link *link)
{
    uint8_t frame[6], address[8];       /* an event and its value; recv cuts what is longer */
    for (unsigned i = 0; i < EVENTS_MAX; i++) {
        uint16_t event;
        uint32_t value;
        if (zmq_recv(link->monitor, frame, sizeof frame, ZMQ_DONTWAIT) < (int)sizeof frame)
            return;
        memcpy(&event, frame, sizeof event);
        memcpy(&value, frame + sizeof event, sizeof value);
        (void)zmq_recv(link->monitor, address, sizeof address, ZMQ_DONTWAIT);
        heed(link, event, value);
    }
}

struct trouble_row { const char *text, *remedy; };

static const struct trouble_row *row_of(enum rfl_client_trouble trouble)
{
    static const struct trouble_row rows[RFL_TROUBLE_COUNT] = {
        [RFL_TROUBLE_NONE] = { "connected, but no answer came in time", "ask again; is the daemon overloaded?" },
        [RFL_TROUBLE_UNREACHABLE] = { "nobody can be reached there", "start the daemon, or correct the address" },
        [RFL_TROUBLE_WRONG_SERVER_KEY] = { "the daemon there does not have the server key of this identity",
            "ask for the public key of the daemon's server_key; a daemon without_keys wants no identity" },
        [RFL_TROUBLE_KEY_NOT_KNOWN] = { "the daemon does not know this key",
            "have it put into keys.conf: referralctl keys allow" },
        [RFL_TROUBLE_KEY_ENDED] = { "this key is revoked, expired or not good yet",
            "use the new key, or ask whoever keeps keys.conf" },
        [RFL_TROUBLE_REFUSED] = { "the daemon there refuses the connection",
            "it wants a key (--identity FILE), or is no referrald" },
    };
    assert((unsigned)trouble < RFL_TROUBLE_COUNT);
    return &rows[trouble];
}

const char *rfl_trouble_text(enum rfl_client_trouble trouble) { return row_of(trouble)->text; }
const char *rfl_trouble_remedy(enum rfl_client_trouble trouble) { return row_of(trouble)->remedy; }
