#include "rfl_personal.h"

#include "rfl_bytes.h"

enum { SUBMISSION = 1, WORDS = 2 };

static void put_view(struct rfl_wr *w, struct rfl_view v)
{
    rfl_wr_u16(w, (uint16_t)v.len);
    rfl_wr_bytes(w, v.p, v.len);
}

static struct rfl_view get_view(struct rfl_rd *r) { return rfl_rd_view(r, rfl_rd_u16(r)); }

size_t rfl_personal_put_submission(const struct rfl_personal_submission *in, uint8_t *out, size_t cap)
{
    struct rfl_wr w = rfl_wr_of(out, cap);
    rfl_wr_u8(&w, SUBMISSION);
    put_view(&w, in->reference);
    for (unsigned key = 0; key < RFL_KEY_COUNT; key++)
        rfl_wr_u32(&w, in->line[key]);
    rfl_wr_bytes(&w, in->referral.p, in->referral.len);
    return w.bad ? 0 : w.used;
}

size_t rfl_personal_put_words(const struct rfl_personal_words *in, uint8_t *out, size_t cap)
{
    struct rfl_wr w = rfl_wr_of(out, cap);
    rfl_wr_u8(&w, WORDS);
    put_view(&w, in->text);
    put_view(&w, in->role);
    put_view(&w, in->next_step);
    return w.bad ? 0 : w.used;
}

enum rfl_err rfl_personal_get_submission(struct rfl_view bytes, struct rfl_personal_submission *out)
{
    struct rfl_rd r = rfl_rd_of(bytes);
    if (rfl_rd_u8(&r) != SUBMISSION)
        return RFL_E_CORRUPT;
    out->reference = get_view(&r);
    for (unsigned key = 0; key < RFL_KEY_COUNT; key++)
        out->line[key] = rfl_rd_u32(&r);
    out->referral = rfl_rd_view(&r, r.left);
    return r.bad ? RFL_E_CORRUPT : RFL_E_OK;
}

enum rfl_err rfl_personal_get_words(struct rfl_view bytes, struct rfl_personal_words *out)
{
    struct rfl_rd r = rfl_rd_of(bytes);
    if (rfl_rd_u8(&r) != WORDS)
        return RFL_E_CORRUPT;
    out->text = get_view(&r);
    out->role = get_view(&r);
    out->next_step = get_view(&r);
    return rfl_rd_done(&r) ? RFL_E_OK : RFL_E_CORRUPT;
}
