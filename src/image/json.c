/* SPDX-License-Identifier: Apache-2.0 */
/* Writes JSON text. */
#include "image/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROOM_FIRST = 4096 };

void sl_json_done(struct sl_json *json)
{
    free(json->text);
    *json = (struct sl_json){0};
}

static void put(struct sl_json *json, const char *data, size_t size)
{
    if (json->rc != SL_OK) {
        return;
    }
    if (size > SL_JSON_SIZE_MAX - json->size) {
        json->rc = SL_RANGE;
        return;
    }
    if (size > json->room - json->size) {
        size_t room = json->room == 0 ? ROOM_FIRST : json->room;
        while (room - json->size < size) {
            room *= 2;
        }
        char *text = realloc(json->text, room);
        if (text == NULL) {
            json->rc = SL_NO_MEMORY;
            return;
        }
        json->text = text;
        json->room = room;
    }
    memcpy(json->text + json->size, data, size);
    json->size += size;
}

static void put_string(struct sl_json *json, const char *value)
{
    put(json, "\"", 1);
    for (const char *p = value; *p != '\0'; p++) {
        uint8_t c = (uint8_t)*p;
        if (c < 0x20 || c > 0x7e || c == '"' || c == '\\') {
            char escaped[8];
            int size = snprintf(escaped, sizeof(escaped), "\\u%04x", c);
            put(json, escaped, (size_t)size);
        } else {
            put(json, p, 1);
        }
    }
    put(json, "\"", 1);
}

/* The comma before a value, and its key. */
static void begin(struct sl_json *json, const char *key)
{
    if (json->needs_comma) {
        put(json, ",", 1);
    }
    json->needs_comma = true;
    if (key != NULL) {
        put_string(json, key);
        put(json, ":", 1);
    }
}

void sl_json_open(struct sl_json *json, const char *key, char bracket)
{
    begin(json, key);
    put(json, &bracket, 1);
    json->needs_comma = false;
}

void sl_json_close(struct sl_json *json, char bracket)
{
    put(json, &bracket, 1);
    json->needs_comma = true;
}

void sl_json_u64(struct sl_json *json, const char *key, uint64_t value)
{
    char text[24];
    int size = snprintf(text, sizeof(text), "%" PRIu64, value);
    begin(json, key);
    put(json, text, (size_t)size);
}

void sl_json_bool(struct sl_json *json, const char *key, bool value)
{
    begin(json, key);
    put(json, value ? "true" : "false", value ? 4 : 5);
}

void sl_json_null(struct sl_json *json, const char *key)
{
    begin(json, key);
    put(json, "null", 4);
}

void sl_json_string(struct sl_json *json, const char *key, const char *value)
{
    begin(json, key);
    put_string(json, value);
}
