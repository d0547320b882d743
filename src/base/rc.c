/* SPDX-License-Identifier: Apache-2.0 */
/* Texts and names of the result codes. */
#include "safelib/rc.h"

static const char *const texts[SL_RC_COUNT] = {
#define RC_TEXT(name, text) [SL_##name] = text,
    SL_RC_TABLE(RC_TEXT)
#undef RC_TEXT
};

static const char *const names[SL_RC_COUNT] = {
#define RC_NAME(name, text) [SL_##name] = #name,
    SL_RC_TABLE(RC_NAME)
#undef RC_NAME
};

const char *sl_rc_text(sl_rc rc)
{
    return (unsigned)rc < SL_RC_COUNT ? texts[rc] : "unknown result";
}

const char *sl_rc_name(sl_rc rc)
{
    return (unsigned)rc < SL_RC_COUNT ? names[rc] : "UNKNOWN";
}
