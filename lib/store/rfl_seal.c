#include "rfl_seal.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rfl_bytes.h"

enum {
    KEY_BYTES = 32, NONCE_BYTES = 24, TAG_BYTES = 16, POOL_BYTES = 4096,
    ROW_VERSION = 1,
    TEXT_VERSION = 1,                       /* of a sealed text: a data key has no other, it is wrapped anew instead */
    AD_BYTES = 8 + 16 + 8 + 8 + 2           /* table, store id, sequence, case, version */
};
static_assert(KEY_BYTES == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "a data key is a cipher key");
static_assert(NONCE_BYTES == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES, "nonce size");
static_assert(TAG_BYTES == crypto_aead_xchacha20poly1305_ietf_ABYTES, "tag size");
static_assert(RFL_SEAL_ROW_BYTES == 4 + NONCE_BYTES + KEY_BYTES + TAG_BYTES, "row size");
static_assert(RFL_SEAL_MASTER_BYTES == crypto_kdf_KEYBYTES, "the master key feeds the kdf");

/* Subkey numbers of crypto_kdf; never reused. Of a master key: the key version. Of the store secret: */
enum { SUBKEY_HASH_FIRST = 1, SUBKEY_RECEIPT = 16, SUBKEY_SIGNING = 17 };
static const char context_master[crypto_kdf_CONTEXTBYTES] = { 'r', 'f', 'l', 'm', 'a', 's', 't', 'r' };
static const char context_secret[crypto_kdf_CONTEXTBYTES] = { 'r', 'f', 'l', 's', 't', 'o', 'r', 'e' };

struct rfl_seal {
    uint8_t kek[KEY_BYTES];
    uint8_t data_key[KEY_BYTES];
    uint8_t hash_key[RFL_HASH_COUNT][KEY_BYTES];
    struct rfl_receipt_key receipt_key;
    uint8_t public_key[crypto_sign_PUBLICKEYBYTES], signing_key[crypto_sign_SECRETKEYBYTES];
    bool has_secret;
    uint16_t version;                       /* of kek */
    struct rfl_case_id key_case;            /* zero: no data key is in use */
    uint8_t store_id[16];
    size_t pool_used;
    uint8_t pool[POOL_BYTES];
};

static bool write_all(int fd, const uint8_t *p, size_t n)
{
    while (n > 0) {
        ssize_t done = write(fd, p, n);
        if (done == -1 && errno == EINTR)
            continue;
        if (done <= 0)
            return false;
        p += done;
        n -= (size_t)done;
    }
    return true;
}

enum rfl_err rfl_seal_master_make(const char *path)
{
    if (sodium_init() == -1)
        return RFL_E_IO;
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd == -1)
        return errno == EEXIST ? RFL_E_EXISTS : RFL_E_IO;
    uint8_t key[RFL_SEAL_MASTER_BYTES];
    crypto_kdf_keygen(key);
    bool good = write_all(fd, key, sizeof key) && fsync(fd) == 0;
    sodium_memzero(key, sizeof key);
    if (close(fd) != 0)
        good = false;
    if (good)
        return RFL_E_OK;
    int saved = errno;
    (void)unlink(path);
    errno = saved;
    return RFL_E_IO;
}

enum rfl_err rfl_seal_identity(uint8_t store_id_out[16])
{
    if (sodium_init() == -1)
        return RFL_E_IO;
    randombytes_buf(store_id_out, 16);
    return RFL_E_OK;
}

static bool readable_by_others(const struct stat *st)
{
    bool credential = st->st_uid == 0 && geteuid() != 0;
    return (st->st_mode & (credential ? 037U : 077U)) != 0;
}

/* Reads exactly the master key; one byte more is asked for, so that a longer file is seen. */
static enum rfl_err master_read(const char *path, uint8_t key[RFL_SEAL_MASTER_BYTES], const char **why_out)
{
    uint8_t bytes[RFL_SEAL_MASTER_BYTES + 1];
    struct stat st;
    enum rfl_err err = RFL_E_OK;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd == -1) {
        *why_out = "the master key file cannot be opened: put it back, or name it with the key option";
        return errno == ENOENT ? RFL_E_ABSENT : RFL_E_IO;
    }
    ssize_t got = 0;
    if (fstat(fd, &st) != 0) {
        *why_out = "the master key file cannot be examined";
        err = RFL_E_IO;
    } else if (readable_by_others(&st)) {
        *why_out = "others may read the master key file: its mode must be 0600";
        err = RFL_E_INVALID;
    } else if ((got = read(fd, bytes, sizeof bytes)) != RFL_SEAL_MASTER_BYTES) {
        *why_out = "the master key file is not exactly 32 bytes";
        err = got == -1 ? RFL_E_IO : RFL_E_INVALID;
    } else {
        memcpy(key, bytes, RFL_SEAL_MASTER_BYTES);
    }
    sodium_memzero(bytes, sizeof bytes);
    (void)close(fd);
    return err;
}

uint16_t rfl_seal_row_version(struct rfl_view row)
{
    return row.len == RFL_SEAL_ROW_BYTES ? (uint16_t)(row.p[2] | (unsigned)row.p[3] << 8) : (uint16_t)0;
}

enum rfl_err rfl_seal_open(const char *master_path, const uint8_t store_id[16], uint16_t version,
                           struct rfl_seal **out, const char **why_out)
{
    *why_out = "libsodium could not start";
    if (sodium_init() == -1)
        return RFL_E_IO;
    *why_out = "no memory for keys";
    struct rfl_seal *seal = sodium_malloc(sizeof *seal);
    uint8_t *master = sodium_malloc(RFL_SEAL_MASTER_BYTES);
    enum rfl_err err = RFL_E_MEMORY;
    if (seal == NULL || master == NULL)
        goto out;
    err = master_read(master_path, master, why_out);
    if (err != RFL_E_OK)
        goto out;
    memset(seal, 0, sizeof *seal);
    memcpy(seal->store_id, store_id, sizeof seal->store_id);
    seal->pool_used = POOL_BYTES;
    seal->version = version;
    (void)crypto_kdf_derive_from_key(seal->kek, KEY_BYTES, version, context_master, master);
    *out = seal;
    seal = NULL;
out:
    sodium_free(master);
    sodium_free(seal);
    return err;
}

void rfl_seal_close(struct rfl_seal **seal)
{
    sodium_free(*seal);
    *seal = NULL;
}

void rfl_seal_draw(struct rfl_seal *seal, uint8_t *out, size_t n)
{
    assert(n <= 1024);
    if (n > POOL_BYTES - seal->pool_used) {
        uint8_t seed[randombytes_SEEDBYTES];
        randombytes_buf(seed, sizeof seed);
        randombytes_buf_deterministic(seal->pool, POOL_BYTES, seed);
        sodium_memzero(seed, sizeof seed);
        seal->pool_used = 0;
    }
    memcpy(out, seal->pool + seal->pool_used, n);
    memset(seal->pool + seal->pool_used, 0, n);         /* what was given out is in nobody else's hands */
    seal->pool_used += n;
}

/* What is sealed says where it belongs; in another place it does not open. */
static void associate(const struct rfl_seal *seal, const char table[static 8], uint64_t seq, uint64_t kase,
                      uint16_t version, uint8_t ad[AD_BYTES])
{
    struct rfl_wr w = rfl_wr_of(ad, AD_BYTES);
    rfl_wr_bytes(&w, table, 8);
    rfl_wr_bytes(&w, seal->store_id, sizeof seal->store_id);
    rfl_wr_u64(&w, seq);
    rfl_wr_u64(&w, kase);
    rfl_wr_u16(&w, version);
    assert(!w.bad && w.used == AD_BYTES);
}

static const char table_keys[8] = { 'k', 'e', 'y', 's' };
static const char table_log[8] = { 'l', 'o', 'g' };

static void wrap(struct rfl_seal *seal, uint64_t kase, const uint8_t key[KEY_BYTES], uint8_t row[RFL_SEAL_ROW_BYTES])
{
    uint8_t ad[AD_BYTES];
    associate(seal, table_keys, 0, kase, seal->version, ad);
    row[0] = ROW_VERSION;
    row[1] = 0;
    row[2] = (uint8_t)seal->version;
    row[3] = (uint8_t)(seal->version >> 8);
    rfl_seal_draw(seal, row + 4, NONCE_BYTES);
    (void)crypto_aead_xchacha20poly1305_ietf_encrypt(row + 4 + NONCE_BYTES, NULL, key, KEY_BYTES, ad, sizeof ad, NULL,
                                                     row + 4, seal->kek);
}

static enum rfl_err unwrap(struct rfl_seal *seal, uint64_t kase, struct rfl_view row, uint8_t key[KEY_BYTES])
{
    uint8_t ad[AD_BYTES];
    if (row.len != RFL_SEAL_ROW_BYTES)
        return RFL_E_CORRUPT;
    if (row.p[0] != ROW_VERSION || rfl_seal_row_version(row) != seal->version)
        return RFL_E_VERSION;
    if (row.p[1] != 0)
        return RFL_E_CORRUPT;
    associate(seal, table_keys, 0, kase, seal->version, ad);
    int rc = crypto_aead_xchacha20poly1305_ietf_decrypt(key, NULL, NULL, row.p + 4 + NONCE_BYTES,
                                                        KEY_BYTES + TAG_BYTES, ad, sizeof ad, row.p + 4, seal->kek);
    return rc == 0 ? RFL_E_OK : RFL_E_CORRUPT;
}

static void derive_from_secret(struct rfl_seal *seal, const uint8_t secret[KEY_BYTES])
{
    for (unsigned i = 0; i < RFL_HASH_COUNT; i++)
        (void)crypto_kdf_derive_from_key(seal->hash_key[i], KEY_BYTES, SUBKEY_HASH_FIRST + i, context_secret, secret);
    (void)crypto_kdf_derive_from_key(seal->receipt_key.b, sizeof seal->receipt_key.b, SUBKEY_RECEIPT, context_secret,
                                     secret);
    uint8_t seed[crypto_sign_SEEDBYTES];
    (void)crypto_kdf_derive_from_key(seed, sizeof seed, SUBKEY_SIGNING, context_secret, secret);
    (void)crypto_sign_seed_keypair(seal->public_key, seal->signing_key, seed);
    sodium_memzero(seed, sizeof seed);
    seal->has_secret = true;
}

void rfl_seal_secret_new(struct rfl_seal *seal, uint8_t row_out[RFL_SEAL_ROW_BYTES])
{
    uint8_t secret[KEY_BYTES];
    rfl_seal_draw(seal, secret, sizeof secret);
    wrap(seal, 0, secret, row_out);
    derive_from_secret(seal, secret);
    sodium_memzero(secret, sizeof secret);
}

enum rfl_err rfl_seal_secret_load(struct rfl_seal *seal, struct rfl_view row)
{
    uint8_t secret[KEY_BYTES];
    enum rfl_err err = unwrap(seal, 0, row, secret);
    if (err == RFL_E_OK)
        derive_from_secret(seal, secret);
    sodium_memzero(secret, sizeof secret);
    return err;
}

enum rfl_err rfl_seal_rewrap(struct rfl_seal *from, struct rfl_seal *to, struct rfl_case_id kase, struct rfl_view row,
                             uint8_t row_out[RFL_SEAL_ROW_BYTES])
{
    uint8_t key[KEY_BYTES];
    enum rfl_err err = unwrap(from, kase.v, row, key);
    if (err == RFL_E_OK)
        wrap(to, kase.v, key, row_out);
    sodium_memzero(key, sizeof key);
    return err;
}

void rfl_seal_key_new(struct rfl_seal *seal, struct rfl_case_id kase, uint8_t row_out[RFL_SEAL_ROW_BYTES])
{
    assert(kase.v != 0);                        /* 0 is the store secret's own row */
    rfl_seal_draw(seal, seal->data_key, KEY_BYTES);
    seal->key_case = kase;
    wrap(seal, kase.v, seal->data_key, row_out);
}

bool rfl_seal_key_in_use(const struct rfl_seal *seal, struct rfl_case_id kase)
{
    return kase.v != 0 && seal->key_case.v == kase.v;
}

enum rfl_err rfl_seal_key_load(struct rfl_seal *seal, struct rfl_case_id kase, struct rfl_view row)
{
    assert(kase.v != 0);
    if (rfl_seal_key_in_use(seal, kase))
        return RFL_E_OK;
    enum rfl_err err = unwrap(seal, kase.v, row, seal->data_key);
    seal->key_case.v = err == RFL_E_OK ? kase.v : 0;
    return err;
}

void rfl_seal_key_forget(struct rfl_seal *seal)
{
    sodium_memzero(seal->data_key, KEY_BYTES);
    seal->key_case.v = 0;
}

size_t rfl_seal_text(struct rfl_seal *seal, struct rfl_case_id kase, struct rfl_seq seq, struct rfl_view text,
                     uint8_t *out)
{
    assert(rfl_seal_key_in_use(seal, kase));
    uint8_t ad[AD_BYTES];
    associate(seal, table_log, seq.v, kase.v, TEXT_VERSION, ad);
    rfl_seal_draw(seal, out, NONCE_BYTES);
    (void)crypto_aead_xchacha20poly1305_ietf_encrypt(out + NONCE_BYTES, NULL, text.p, text.len, ad, sizeof ad, NULL,
                                                     out, seal->data_key);
    return text.len + RFL_SEAL_OVERHEAD_BYTES;
}

enum rfl_err rfl_seal_open_text(struct rfl_seal *seal, struct rfl_case_id kase, struct rfl_seq seq,
                                struct rfl_view sealed, uint8_t *out)
{
    assert(rfl_seal_key_in_use(seal, kase));
    if (sealed.len < RFL_SEAL_OVERHEAD_BYTES)
        return RFL_E_CORRUPT;
    uint8_t ad[AD_BYTES];
    associate(seal, table_log, seq.v, kase.v, TEXT_VERSION, ad);
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(out, NULL, NULL, sealed.p + NONCE_BYTES, sealed.len - NONCE_BYTES,
                                                   ad, sizeof ad, sealed.p, seal->data_key) == 0)
        return RFL_E_OK;
    sodium_memzero(out, sealed.len - RFL_SEAL_OVERHEAD_BYTES);
    return RFL_E_CORRUPT;
}

/* References and bodies are only ever compared for sameness, several times a submission: SipHash-2-4 with 128 bits, a
 * fifth of BLAKE2b's cost at these lengths. */
static struct rfl_hash sip_hash(const uint8_t key[KEY_BYTES], struct rfl_view bytes)
{
    struct rfl_hash hash;
    static_assert(sizeof hash.b == crypto_shorthash_siphashx24_BYTES, "128 bits");
    static_assert(KEY_BYTES >= crypto_shorthash_siphashx24_KEYBYTES, "a key for it");
    (void)crypto_shorthash_siphashx24(hash.b, bytes.p, bytes.len, key);
    return hash;
}

/* What tells people apart is worth a hash nobody has broken in any number of rounds. */
static struct rfl_hash blake_hash(const uint8_t key[KEY_BYTES], struct rfl_view bytes)
{
    struct rfl_hash hash;
    (void)crypto_generichash(hash.b, sizeof hash.b, bytes.p, bytes.len, key, KEY_BYTES);
    return hash;
}

struct rfl_hash rfl_seal_hash(const struct rfl_seal *seal, enum rfl_hash_domain domain, uint64_t tag,
                              struct rfl_view bytes)
{
    assert(seal->has_secret && domain < RFL_HASH_COUNT);
    bool tells_people = domain != RFL_HASH_REFERENCE && domain != RFL_HASH_BODY;
    struct rfl_hash (*hash_of)(const uint8_t *, struct rfl_view) = tells_people ? blake_hash : sip_hash;
    struct rfl_hash hash = hash_of(seal->hash_key[domain], bytes);
    if (tag == 0)
        return hash;
    uint8_t tagged[8 + sizeof hash.b];
    struct rfl_wr w = rfl_wr_of(tagged, sizeof tagged);
    rfl_wr_u64(&w, tag);
    rfl_wr_bytes(&w, hash.b, sizeof hash.b);
    return hash_of(seal->hash_key[domain], (struct rfl_view){ tagged, w.used });
}

const struct rfl_receipt_key *rfl_seal_receipt_key(const struct rfl_seal *seal)
{
    assert(seal->has_secret);
    return &seal->receipt_key;
}

void rfl_seal_public_key(const struct rfl_seal *seal, uint8_t out[32])
{
    assert(seal->has_secret);
    memcpy(out, seal->public_key, sizeof seal->public_key);
}

void rfl_seal_sign(const struct rfl_seal *seal, struct rfl_view text, uint8_t signature_out[64])
{
    assert(seal->has_secret);
    (void)crypto_sign_detached(signature_out, NULL, text.p, text.len, seal->signing_key);
}

void rfl_seal_chain(struct rfl_view bytes, uint8_t out[32])
{
    (void)crypto_generichash(out, 32, bytes.p, bytes.len, NULL, 0);
}
