/*
 * Random misuse: NULL, handles of other kinds, zero and wrong lengths, bad UTF-8, any order. Nothing crashes, and nothing is
 * accepted but what is signed (K-AP-07). What the header forbids for good (freed handles, lengths beyond the memory) is left out.
 */
#include "check.h"

static uint64_t state;

static uint64_t next(uint64_t bound) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state % bound;
}

enum { POOL = 64 };
/* Live handles of all kinds, and the case that made each. */
static struct {
    void *handle;
    int kind;
} pool[POOL];
static void *zeroed;

static void *any(void) {
    switch (next(8)) {
        case 0: return NULL;
        case 1: return zeroed;
        default: return pool[next(POOL)].handle;
    }
}

static const char *const TEXTS[] = {
    "",
    "registry.testkit.example/acme/app:v1",
    "\xff\xfe\x80",
    "oci:/nonexistent:v1",
    "sigstore",
    "https://slsa.dev/provenance/v1",
    "sha256:0000000000000000000000000000000000000000000000000000000000000000",
    "{\"a\":1}",
    "apiVersion: veriseal/v1\nimages: []\n",
    "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n",
    ".*",
    "/nonexistent/file",
    "127.0.0.1:1",
};

/* A text whose length is that of its memory, shorter, or with NULL. */
static const char *text(size_t *len) {
    if (next(8) == 0) {
        *len = next(2) ? 0 : 5;
        return NULL;
    }
    const char *chosen = TEXTS[next(3) == 0 ? 1 : next(sizeof TEXTS / sizeof *TEXTS)];
    *len = next(4) ? strlen(chosen) : next(strlen(chosen) + 1);
    return chosen;
}

static int32_t odd_fetch(void *context, const veriseal_request *request, veriseal_sink *sink) {
    (void)context;
    static const uint8_t junk[] = "{\"schemaVersion\":2}";
    (void)!veriseal_sink_write(sink, junk, next(sizeof junk));
    (void)!veriseal_sink_set_next(sink, "x", next(2));
    (void)!veriseal_sink_write((veriseal_sink *)(void *)request, junk, 1);
    return (int32_t)next(12) - 2;
}

static size_t dropped;
static void count_drop(void *context) {
    (void)context;
    dropped++;
}

/* Frees a handle by the case that made it. */
static void release(void *handle, int kind) {
    switch (kind) {
        case 0: case 1: case 2: veriseal_trust_root_free((veriseal_trust_root *)handle); break;
        case 3: case 4: case 5: veriseal_requirement_free((veriseal_requirement *)handle); break;
        case 6: case 7: case 8: veriseal_policy_free((veriseal_policy *)handle); break;
        case 9: veriseal_verifier_free((veriseal_verifier *)handle); break;
        case 10: veriseal_call_free((veriseal_call *)handle); break;
        case 11: veriseal_session_free((veriseal_session *)handle); break;
        case 12: veriseal_request_free((veriseal_request *)handle); break;
        case 13: veriseal_sink_free((veriseal_sink *)handle); break;
        case 14: veriseal_registry_free((veriseal_registry *)handle); break;
        case 15: case 16: veriseal_source_free((veriseal_source *)handle); break;
        case 17: case 18: veriseal_evidence_free((veriseal_evidence *)handle); break;
        case 19: case 20: case 21: veriseal_accepted_free((veriseal_accepted *)handle); break;
        case 22: case 23: veriseal_accepted_blob_free((veriseal_accepted_blob *)handle); break;
        case 34: veriseal_outcomes_free((veriseal_outcomes *)handle); break;
        case 35: veriseal_evidence_free((veriseal_evidence *)handle); break;
        default: break;
    }
}

int main(int argc, char **argv) {
    start it = begin(argc, argv);
    size_t calls = argc > 5 ? (size_t)strtoul(argv[5], NULL, 10) : 10000, fetchers = 0, accepts = 0, errors = 0;
    state = 0x9e3779b97f4a7c15u;
    zeroed = calloc(1, 4096);
    for (size_t call = 0; call < calls; call++) {
        void *out = (void *)&it;
        veriseal_error *error = (veriseal_error *)(void *)&it;
        veriseal_error **at_error = next(4) ? &error : NULL;
        veriseal_report *report = NULL;
        size_t len, other_len;
        const char *one = text(&len), *other = text(&other_len);
        veriseal_status status = VERISEAL_STATUS_DONE;
        int kind = (int)next(41), is_out = 1;
        const veriseal_verifier *verifier = next(2) ? it.verifier : (const veriseal_verifier *)any();
        const veriseal_source *source = next(2) ? (next(2) ? it.layout : it.unsigned_layout) : (const veriseal_source *)any();
        void **place = next(16) ? &out : NULL;
        switch (kind) {
            case 0: status = veriseal_trust_root_new_embedded(one, len, (veriseal_trust_root **)place, at_error); break;
            case 1: status = veriseal_trust_root_new_json((const uint8_t *)one, len, other, other_len, (veriseal_trust_root **)place, at_error); break;
            case 2: status = veriseal_trust_root_new_file(one, len, (veriseal_trust_root **)place, at_error); break;
            case 3: status = veriseal_requirement_new_key((const uint8_t *)one, len, other, other_len, (veriseal_requirement **)place, at_error); break;
            case 4: status = veriseal_requirement_new_keyless(one, len, other, other_len, (veriseal_requirement **)place, at_error); break;
            case 5: status = veriseal_requirement_new_keyless_pattern(one, len, other, other_len, (veriseal_requirement **)place, at_error); break;
            case 6: {
                const veriseal_requirement *list[] = {(const veriseal_requirement *)any(), (const veriseal_requirement *)any()};
                status = veriseal_policy_new(next(8) ? list : NULL, next(3), (int32_t)next(4), (veriseal_policy **)place, at_error);
                break;
            }
            case 7: status = veriseal_policy_new_document((const uint8_t *)one, len, other, other_len, (veriseal_policy **)place, at_error); break;
            case 8: status = veriseal_policy_new_file(one, len, (veriseal_policy **)place, at_error); break;
            case 9: status = veriseal_verifier_new((const veriseal_trust_root *)any(), (const veriseal_policy *)any(), (veriseal_verifier **)place, at_error); break;
            case 10: status = veriseal_call_new((veriseal_call **)place, at_error); break;
            case 11: status = veriseal_session_new(verifier, one, len, (veriseal_session **)place, at_error); break;
            case 12: status = veriseal_session_next((veriseal_session *)any(), (veriseal_request **)place, at_error); break;
            case 13: status = veriseal_sink_new((const veriseal_request *)any(), (veriseal_sink **)place, at_error); break;
            case 14: status = veriseal_registry_new((veriseal_registry **)place, at_error); break;
            case 15: status = veriseal_source_new_layout(one, len, (veriseal_source **)place, at_error); break;
            case 16: {
                veriseal_fetcher fetcher = {NULL, next(4) ? odd_fetch : NULL, count_drop};
                fetchers++;
                status = veriseal_source_new_fetcher(fetcher, (veriseal_source **)place, at_error);
                break;
            }
            case 17: status = veriseal_evidence_gather(verifier, source, one, len, (const veriseal_call *)any(), (veriseal_evidence **)place, at_error); break;
            case 18: status = veriseal_evidence_new_file(one, len, (veriseal_evidence **)place, at_error); break;
            case 19: status = veriseal_verify(verifier, source, one, len, next(2) ? NULL : (const veriseal_call *)any(), it.now, (veriseal_accepted **)place, &report, at_error); break;
            case 20: status = veriseal_session_conclude(verifier, (veriseal_session *)any(), it.now, (veriseal_accepted **)place, &report, at_error); break;
            case 21: status = veriseal_judge(verifier, (const veriseal_evidence *)any(), one, len, it.now, (veriseal_accepted **)place, &report, at_error); break;
            case 22: status = veriseal_verify_blob(verifier, (const uint8_t *)one, len, (const uint8_t *)other, other_len, it.now, (veriseal_accepted_blob **)place, &report, at_error); break;
            case 23: status = veriseal_verify_digest(verifier, one, len, (const uint8_t *)other, other_len, it.now, (veriseal_accepted_blob **)place, &report, at_error); break;
            case 34: {
                const char *list[] = {one, other, it.image};
                size_t lens[] = {len, other_len, strlen(it.image)};
                /* One thread: what is random here has one state. */
                status = veriseal_verify_many(verifier, source, next(8) ? list : NULL, next(8) ? lens : NULL, next(4), next(2) ? NULL : (const veriseal_call *)any(),
                                              1, it.now, (veriseal_outcomes **)place, at_error);
                break;
            }
            case 35: status = veriseal_evidence_new_archive((const uint8_t *)one, len, (veriseal_evidence **)place, at_error); break;
            default: is_out = 0; break;
        }
        switch (kind) {
            case 24: status = veriseal_requirement_set_tlog((veriseal_requirement *)any(), (int32_t)next(6) - 1, at_error); break;
            case 25: status = veriseal_requirement_set_attestation((veriseal_requirement *)any(), one, len, at_error); break;
            case 26: status = veriseal_requirement_set_key_validity((veriseal_requirement *)any(), (int64_t)next(9), (int64_t)next(9), at_error); break;
            case 27: status = veriseal_call_set_deadline((veriseal_call *)any(), next(3), at_error); break;
            case 28: status = veriseal_session_supply((veriseal_session *)any(), (const veriseal_request *)any(), (int32_t)next(12) - 2, (veriseal_sink *)any(), at_error); break;
            case 29: status = veriseal_registry_allow_http((veriseal_registry *)any(), one, len, at_error); break;
            case 30: status = veriseal_call_cancel((const veriseal_call *)any(), at_error); break;
            case 31: status = veriseal_sink_write((veriseal_sink *)any(), (const uint8_t *)one, len); at_error = NULL; break;
            case 36: status = veriseal_registry_add_mirror((veriseal_registry *)any(), one, len, other, other_len, at_error); break;
            case 37:
                status = veriseal_registry_set_host_tls((veriseal_registry *)any(), one, len, (const uint8_t *)other, other_len, next(2), (const uint8_t *)one, len,
                                                        (const uint8_t *)other, other_len, at_error);
                break;
            case 38: status = veriseal_registry_set_pull_secret((veriseal_registry *)any(), (const uint8_t *)one, len, at_error); break;
            case 39: status = veriseal_registry_set_timeouts((veriseal_registry *)any(), next(3), UINT64_MAX, at_error); break;
            case 40: {
                at_error = NULL;
                const veriseal_outcomes *outcomes = (const veriseal_outcomes *)any();
                size_t index = next(4) ? next(3) : SIZE_MAX;
                const veriseal_accepted *lent = veriseal_outcomes_accepted(outcomes, index);
                CHECK((lent != NULL) == (veriseal_outcomes_status(outcomes, index) == VERISEAL_STATUS_ACCEPTED));
                CHECK(!lent || same(veriseal_accepted_pinned(lent), it.pinned));
                /* What is lent is not freed. */
                veriseal_accepted_free((veriseal_accepted *)(uintptr_t)lent);
                veriseal_error_free((veriseal_error *)(uintptr_t)veriseal_outcomes_error(outcomes, index));
                (void)veriseal_report_json(veriseal_outcomes_report(outcomes, index));
                (void)veriseal_outcomes_count(outcomes);
                (void)veriseal_evidence_archive((const veriseal_evidence *)any());
                break;
            }
            case 32:
                at_error = NULL;
                (void)veriseal_report_json((const veriseal_report *)any());
                (void)veriseal_report_text((const veriseal_report *)any());
                (void)veriseal_accepted_pinned((const veriseal_accepted *)any());
                (void)veriseal_request_path((const veriseal_request *)any());
                (void)veriseal_error_message((const veriseal_error *)any());
                (void)veriseal_session_is_done((const veriseal_session *)any());
                (void)veriseal_code_name((uint16_t)next(70000));
                (void)veriseal_code_by_name(one, len);
                (void)veriseal_policy_mode((const veriseal_policy *)any());
                break;
            case 33:
                at_error = NULL;
                /* A free of the wrong kind leaves the handle alone. */
                veriseal_session_free((veriseal_session *)zeroed);
                veriseal_report_free((veriseal_report *)(void *)it.verifier);
                veriseal_verifier_free((veriseal_verifier *)(void *)it.layout);
                break;
            default: break;
        }
        CHECK(status != 0);
        if (at_error) {
            CHECK((error != NULL) == (status < 0 || (kind == 17 && status > VERISEAL_STATUS_DONE)));
            if (error) errors++;
            CHECK(!error || veriseal_error_message(error).len > 0);
            veriseal_error_free(error);
        }
        veriseal_report_free(report);
        if (!is_out || !place) continue;
        CHECK(out != (void *)&it);
        CHECK(!(status < 0) || !out);
        if (kind == 19 && out) {
            CHECK(status == VERISEAL_STATUS_ACCEPTED && same(veriseal_accepted_pinned((veriseal_accepted *)out), it.pinned));
            accepts++;
        }
        if (!out) continue;
        /* Into the pool; what stood there is freed. */
        size_t slot = next(POOL);
        release(pool[slot].handle, pool[slot].kind);
        pool[slot].handle = out;
        pool[slot].kind = kind;
    }
    for (size_t slot = 0; slot < POOL; slot++) release(pool[slot].handle, pool[slot].kind);
    CHECK(dropped == fetchers);
    free(zeroed);
    end(it);
    /* The right calls among the wrong ones still work. */
    CHECK(calls < 10000 || accepts > 0);
    printf("%zu calls, %zu errors, %zu accepted, %zu fetchers\n", calls, errors, accepts, fetchers);
    return 0;
}
