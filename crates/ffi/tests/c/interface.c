/*
 * The rest of the interface, call by call: what each answers in the good case and in its nearest bad one.
 */
#include "check.h"
#include <pthread.h>
#include <sched.h>

static const char *folder;

/* A fetcher that answers everything the same. */
typedef struct {
    int32_t result;
    size_t bytes;
    size_t calls, drops;
    const char *message;
    uint64_t retry_after;
    uint64_t last_max;
} canned;

static int32_t canned_fetch(void *context, const veriseal_request *request, veriseal_sink *sink) {
    canned *it = (canned *)context;
    it->calls++;
    it->last_max = veriseal_request_max_bytes(request);
    CHECK(same(veriseal_request_registry(request), "registry.testkit.example"));
    CHECK(same(veriseal_request_repository(request), "acme/app"));
    CHECK(!veriseal_sink_is_cancelled(sink));
    if (it->message) EXPECT(VERISEAL_STATUS_DONE, veriseal_sink_set_message(sink, it->message, strlen(it->message)));
    if (it->retry_after) EXPECT(VERISEAL_STATUS_DONE, veriseal_sink_set_retry_after(sink, it->retry_after));
    static const uint8_t block[4096] = {0};
    for (size_t left = it->bytes; left > 0;) {
        size_t now = left < sizeof block ? left : sizeof block;
        veriseal_status status = veriseal_sink_write(sink, block, now);
        if (status != VERISEAL_STATUS_DONE) {
            CHECK(status == VERISEAL_STATUS_REFUSED);
            break;
        }
        left -= now;
    }
    return it->result;
}

static void canned_drop(void *context) { ((canned *)context)->drops++; }

/* Verifies over a canned fetcher; the code's name must be that. */
static void answers(const start *it, canned given, veriseal_status expected, const char *code, const char *in_report) {
    veriseal_error *error = NULL;
    veriseal_source *source = NULL;
    veriseal_accepted *accepted = NULL;
    veriseal_report *report = NULL;
    veriseal_fetcher fetcher = {&given, canned_fetch, canned_drop};
    EXPECT(VERISEAL_STATUS_DONE, veriseal_source_new_fetcher(fetcher, &source, &error));
    veriseal_status status = veriseal_verify(it->verifier, source, it->image, strlen(it->image), NULL, it->now, &accepted, &report, &error);
    if (!same(veriseal_report_code_name(report), code)) {
        veriseal_str json = veriseal_report_json(report);
        fprintf(stderr, "expected %s: %.*s\n", code, (int)json.len, json.data);
    }
    CHECK(same(veriseal_report_code_name(report), code));
    CHECK(status == expected && !accepted && !error);
    CHECK(!in_report || contains(veriseal_report_json(report), in_report));
    CHECK(given.calls >= 1);
    veriseal_report_free(report);
    veriseal_source_free(source);
    CHECK(given.drops == 1);
}

/* Each way in which a fetch can end, and every integer that is none of them. */
static void results_of_a_fetcher(const start *it) {
    canned none = {VERISEAL_FETCH_RESULT_NOT_FOUND, 0, 0, 0, NULL, 0, 0};
    answers(it, none, VERISEAL_STATUS_UNDECIDED, "IMAGE_NOT_FOUND", NULL);
    canned denied = {VERISEAL_FETCH_RESULT_DENIED, 0, 0, 0, "no rights", 0, 0};
    answers(it, denied, VERISEAL_STATUS_UNDECIDED, "DENIED", "no rights");
    canned throttled = {VERISEAL_FETCH_RESULT_THROTTLED, 0, 0, 0, NULL, 17, 0};
    answers(it, throttled, VERISEAL_STATUS_UNDECIDED, "THROTTLED", "17 s");
    canned unavailable = {VERISEAL_FETCH_RESULT_UNAVAILABLE, 0, 0, 0, "line\nbreak", 0, 0};
    answers(it, unavailable, VERISEAL_STATUS_UNDECIDED, "UNAVAILABLE", "u{a}");
    canned cancelled = {VERISEAL_FETCH_RESULT_CANCELLED, 0, 0, 0, NULL, 0, 0};
    answers(it, cancelled, VERISEAL_STATUS_UNDECIDED, "CANCELLED", NULL);
    canned too_large = {VERISEAL_FETCH_RESULT_TOO_LARGE, 0, 0, 0, NULL, 0, 0};
    answers(it, too_large, VERISEAL_STATUS_UNDECIDED, "TOO_LARGE", NULL);
    /* The sink enforces the bound, whatever the fetcher says of it. */
    canned flood = {VERISEAL_FETCH_RESULT_FOUND, (size_t)1 << 30, 0, 0, NULL, 0, 0};
    answers(it, flood, VERISEAL_STATUS_UNDECIDED, "TOO_LARGE", NULL);
    canned hidden = {VERISEAL_FETCH_RESULT_NOT_FOUND, (size_t)1 << 30, 0, 0, NULL, 0, 0};
    answers(it, hidden, VERISEAL_STATUS_UNDECIDED, "TOO_LARGE", NULL);
    static const int32_t unknown[] = {0, -1, 8, 200, 404, INT32_MAX, INT32_MIN};
    for (size_t at = 0; at < sizeof unknown / sizeof *unknown; at++) {
        canned odd = {unknown[at], 0, 0, 0, NULL, 0, 0};
        answers(it, odd, VERISEAL_STATUS_UNDECIDED, "UNAVAILABLE", "no veriseal_fetch_result");
    }
    /* A fetcher that is none: its context is given up all the same. */
    canned unused = {0, 0, 0, 0, NULL, 0, 0};
    veriseal_fetcher fetcher = {&unused, NULL, canned_drop};
    veriseal_source *source = NULL;
    EXPECT(VERISEAL_STATUS_MISUSE, veriseal_source_new_fetcher(fetcher, &source, NULL));
    CHECK(!source && unused.drops == 1);
    fetcher.fetch = canned_fetch;
    EXPECT(VERISEAL_STATUS_MISUSE, veriseal_source_new_fetcher(fetcher, NULL, NULL));
    CHECK(unused.drops == 2);
}

static size_t log_lines, log_warnings;
static void count_log(void *context, int32_t level, veriseal_str message) {
    CHECK(context == (void *)&log_lines);
    CHECK(message.len > 0 && !memchr(message.data, '\n', message.len));
    log_lines++;
    if (level == 2) log_warnings++;
}

static void logs(const start *it) {
    veriseal_call *call = NULL;
    veriseal_accepted *accepted = NULL;
    EXPECT(VERISEAL_STATUS_DONE, veriseal_call_new(&call, NULL));
    EXPECT(VERISEAL_STATUS_DONE, veriseal_call_set_log(call, &log_lines, count_log, NULL));
    EXPECT(VERISEAL_STATUS_ACCEPTED, veriseal_verify(it->verifier, it->layout, it->image, strlen(it->image), call, it->now, &accepted, NULL, NULL));
    CHECK(accepted && log_lines >= 3);
    veriseal_accepted_free(accepted);
    size_t before = log_warnings;
    EXPECT(VERISEAL_STATUS_REJECTED, veriseal_verify(it->verifier, it->unsigned_layout, it->image, strlen(it->image), call, it->now, &accepted, NULL, NULL));
    CHECK(!accepted && log_warnings > before);
    veriseal_call_free(call);
}

/* A fetcher that does not answer before it is told to stop. Where it has a call, another thread cancels that meanwhile. */
typedef struct {
    veriseal_call *cancelled;
    size_t began;
} waiting;

static void *cancel(void *call) {
    EXPECT(VERISEAL_STATUS_DONE, veriseal_call_cancel((const veriseal_call *)call, NULL));
    return NULL;
}

static int32_t waiting_fetch(void *context, const veriseal_request *request, veriseal_sink *sink) {
    (void)request;
    waiting *it = (waiting *)context;
    pthread_t thread;
    it->began++;
    if (it->cancelled) {
        CHECK(!veriseal_sink_is_cancelled(sink));
        CHECK(pthread_create(&thread, NULL, cancel, it->cancelled) == 0);
    }
    while (!veriseal_sink_is_cancelled(sink)) sched_yield();
    if (it->cancelled) CHECK(pthread_join(thread, NULL) == 0);
    return VERISEAL_FETCH_RESULT_CANCELLED;
}

static void deadline_and_cancellation(const start *it) {
    waiting fetch = {NULL, 0};
    veriseal_fetcher fetcher = {&fetch, waiting_fetch, NULL};
    veriseal_source *source = NULL;
    veriseal_call *call = NULL;
    veriseal_accepted *accepted = NULL;
    veriseal_report *report = NULL;
    EXPECT(VERISEAL_STATUS_DONE, veriseal_source_new_fetcher(fetcher, &source, NULL));

    /* No time at all: nothing is asked. One moment: what is asked ends with it. */
    for (uint64_t milliseconds = 0; milliseconds < 2; milliseconds++) {
        EXPECT(VERISEAL_STATUS_DONE, veriseal_call_new(&call, NULL));
        EXPECT(VERISEAL_STATUS_DONE, veriseal_call_set_deadline(call, milliseconds, NULL));
        EXPECT(VERISEAL_STATUS_UNDECIDED, veriseal_verify(it->verifier, source, it->image, strlen(it->image), call, it->now, &accepted, &report, NULL));
        CHECK(!accepted && same(veriseal_report_code_name(report), "DEADLINE_EXCEEDED"));
        CHECK(fetch.began <= milliseconds);
        veriseal_report_free(report);
        veriseal_call_free(call);
    }

    EXPECT(VERISEAL_STATUS_DONE, veriseal_call_new(&call, NULL));
    fetch.cancelled = call;
    fetch.began = 0;
    EXPECT(VERISEAL_STATUS_UNDECIDED, veriseal_verify(it->verifier, source, it->image, strlen(it->image), call, it->now, &accepted, &report, NULL));
    CHECK(!accepted && same(veriseal_report_code_name(report), "CANCELLED") && fetch.began == 1);
    veriseal_report_free(report);

    /* Cancelled for good: the next call does not begin. */
    EXPECT(VERISEAL_STATUS_UNDECIDED, veriseal_verify(it->verifier, source, it->image, strlen(it->image), call, it->now, &accepted, NULL, NULL));
    CHECK(!accepted && fetch.began == 1);
    veriseal_call_free(call);
    veriseal_source_free(source);
}

static void sessions(const start *it) {
    veriseal_error *error = NULL;
    veriseal_session *session = NULL;
    veriseal_request *request = NULL, *again = NULL;
    veriseal_accepted *accepted = NULL;
    veriseal_report *report = NULL;
    veriseal_sink *sink = NULL;
    EXPECT(VERISEAL_STATUS_REFUSED, veriseal_session_new(it->verifier, "a b", 3, &session, &error));
    CHECK(!session && same(veriseal_error_code_name(error), "REFERENCE_INVALID"));
    veriseal_error_free(error);

    /* Answered "none": the image is not there. */
    EXPECT(VERISEAL_STATUS_DONE, veriseal_session_new(it->verifier, it->image, strlen(it->image), &session, NULL));
    CHECK(!veriseal_session_is_done(session));
    EXPECT(VERISEAL_STATUS_DONE, veriseal_session_next(session, &request, NULL));
    CHECK(request && veriseal_request_what(request) == VERISEAL_REQUEST_KIND_MANIFEST_BY_TAG);
    CHECK(same(veriseal_request_path(request), "/v2/acme/app/manifests/v1") && same(veriseal_request_reference(request), "v1"));
    CHECK(veriseal_request_page(request).len == 0);
    EXPECT(VERISEAL_STATUS_DONE, veriseal_session_next(session, &again, NULL));
    CHECK(!again);
    EXPECT(VERISEAL_STATUS_MISUSE, veriseal_session_supply(session, request, VERISEAL_FETCH_RESULT_FOUND, NULL, NULL));
    EXPECT(VERISEAL_STATUS_DONE, veriseal_session_supply(session, request, VERISEAL_FETCH_RESULT_NOT_FOUND, NULL, NULL));
    EXPECT(VERISEAL_STATUS_REFUSED, veriseal_session_supply(session, request, VERISEAL_FETCH_RESULT_NOT_FOUND, NULL, &error));
    CHECK(same(veriseal_error_code_name(error), "REQUEST_UNKNOWN"));
    veriseal_error_free(error);
    CHECK(veriseal_session_is_done(session));
    EXPECT(VERISEAL_STATUS_UNDECIDED, veriseal_session_conclude(it->verifier, session, it->now, &accepted, &report, NULL));
    CHECK(!accepted && same(veriseal_report_code_name(report), "IMAGE_NOT_FOUND"));
    veriseal_report_free(report);
    EXPECT(VERISEAL_STATUS_MISUSE, veriseal_session_conclude(it->verifier, session, it->now, &accepted, &report, NULL));
    CHECK(!accepted && !report);
    EXPECT(VERISEAL_STATUS_MISUSE, veriseal_session_next(session, &again, NULL));
    veriseal_session_free(session);
    veriseal_request_free(request);

    /* Concluded too early: undecided. */
    EXPECT(VERISEAL_STATUS_DONE, veriseal_session_new(it->verifier, it->image, strlen(it->image), &session, NULL));
    EXPECT(VERISEAL_STATUS_UNDECIDED, veriseal_session_conclude(it->verifier, session, it->now, &accepted, &report, NULL));
    CHECK(!accepted && same(veriseal_report_code_name(report), "SESSION_UNFINISHED"));
    veriseal_report_free(report);
    veriseal_session_free(session);

    /* K-EV-04: concluded by another verifier. */
    veriseal_verifier *other = verifier_of(folder, "other.pem");
    EXPECT(VERISEAL_STATUS_DONE, veriseal_session_new(it->verifier, it->image, strlen(it->image), &session, NULL));
    veriseal_status status = veriseal_session_conclude(other, session, it->now, &accepted, &report, NULL);
    CHECK(status == VERISEAL_STATUS_UNDECIDED || status == VERISEAL_STATUS_REJECTED);
    CHECK(!accepted && same(veriseal_report_code_name(report), "SESSION_FOR_OTHER_VERIFIER"));
    veriseal_report_free(report);
    veriseal_session_free(session);
    veriseal_verifier_free(other);

    /* A sink keeps its request's bound. */
    EXPECT(VERISEAL_STATUS_DONE, veriseal_session_new(it->verifier, it->image, strlen(it->image), &session, NULL));
    EXPECT(VERISEAL_STATUS_DONE, veriseal_session_next(session, &request, NULL));
    EXPECT(VERISEAL_STATUS_DONE, veriseal_sink_new(request, &sink, NULL));
    static const uint8_t block[1 << 16] = {0};
    veriseal_status written = VERISEAL_STATUS_DONE;
    uint64_t total = 0;
    while (written == VERISEAL_STATUS_DONE) {
        written = veriseal_sink_write(sink, block, sizeof block);
        if (written == VERISEAL_STATUS_DONE) total += sizeof block;
    }
    CHECK(written == VERISEAL_STATUS_REFUSED && total <= veriseal_request_max_bytes(request));
    EXPECT(VERISEAL_STATUS_DONE, veriseal_session_supply(session, request, VERISEAL_FETCH_RESULT_FOUND, sink, NULL));
    EXPECT(VERISEAL_STATUS_UNDECIDED, veriseal_session_conclude(it->verifier, session, it->now, &accepted, &report, NULL));
    CHECK(!accepted && same(veriseal_report_code_name(report), "TOO_LARGE"));
    veriseal_report_free(report);
    veriseal_sink_free(sink);
    veriseal_request_free(request);
    veriseal_session_free(session);
}

static void evidence(const start *it) {
    veriseal_error *error = NULL;
    veriseal_evidence *gathered = NULL, *loaded = NULL;
    veriseal_accepted *accepted = NULL;
    veriseal_report *report = NULL;
    EXPECT(VERISEAL_STATUS_DONE, veriseal_evidence_gather(it->verifier, it->layout, it->image, strlen(it->image), NULL, &gathered, &error));
    const char *path = material(folder, "evidence.tar");
    EXPECT(VERISEAL_STATUS_DONE, veriseal_evidence_save(gathered, path, strlen(path), &error));
    /* In memory it is what is in the file, and is believed no more. */
    veriseal_evidence *kept = NULL;
    veriseal_bytes archive = veriseal_evidence_archive(gathered);
    size_t len = 0;
    char *in_file = content(path, &len);
    CHECK(archive.len == len && memcmp(archive.data, in_file, len) == 0);
    free(in_file);
    EXPECT(VERISEAL_STATUS_DONE, veriseal_evidence_new_archive(archive.data, archive.len, &kept, &error));
    EXPECT(VERISEAL_STATUS_REFUSED, veriseal_evidence_new_archive(archive.data, archive.len - 1025, &loaded, &error));
    CHECK(!loaded && same(veriseal_error_code_name(error), "EVIDENCE_INVALID"));
    veriseal_error_free(error);
    CHECK(veriseal_evidence_archive(NULL).len == 0 && veriseal_evidence_archive(NULL).data);
    EXPECT(VERISEAL_STATUS_DONE, veriseal_evidence_new_file(path, strlen(path), &loaded, &error));
    const veriseal_evidence *both[] = {gathered, loaded, kept};
    for (int at = 0; at < 3; at++) {
        EXPECT(VERISEAL_STATUS_ACCEPTED, veriseal_judge(it->verifier, both[at], it->pinned, strlen(it->pinned), it->now, &accepted, &report, &error));
        CHECK(accepted && same(veriseal_accepted_pinned(accepted), it->pinned));
        veriseal_accepted_free(accepted);
        veriseal_report_free(report);
    }
    /* Which image it is about, the caller says (K-EV-01). */
    const char *other = "registry.testkit.example/other@sha256:0000000000000000000000000000000000000000000000000000000000000000";
    EXPECT(VERISEAL_STATUS_REJECTED, veriseal_judge(it->verifier, loaded, other, strlen(other), it->now, &accepted, &report, &error));
    CHECK(!accepted && same(veriseal_report_code_name(report), "EVIDENCE_FOR_OTHER_IMAGE"));
    veriseal_report_free(report);
    EXPECT(VERISEAL_STATUS_REFUSED, veriseal_judge(it->verifier, loaded, it->image, strlen(it->image), it->now, &accepted, &report, &error));
    CHECK(!accepted && !report && same(veriseal_error_code_name(error), "DIGEST_REQUIRED"));
    veriseal_error_free(error);
    veriseal_evidence_free(kept);
    veriseal_evidence_free(gathered);
    gathered = (veriseal_evidence *)(void *)&error;
    EXPECT(VERISEAL_STATUS_UNDECIDED, veriseal_evidence_gather(it->verifier, it->layout, "registry.testkit.example/acme/app:none", 38, NULL, &gathered, &error));
    CHECK(!gathered && same(veriseal_error_code_name(error), "IMAGE_NOT_FOUND"));
    veriseal_error_free(error);
    EXPECT(VERISEAL_STATUS_REFUSED, veriseal_evidence_new_file("/nonexistent", 12, &gathered, &error));
    CHECK(!gathered && same(veriseal_error_code_name(error), "EVIDENCE_INVALID"));
    veriseal_error_free(error);
    veriseal_evidence_free(loaded);
    free((void *)path);
}

static void blobs(const start *it) {
    size_t bundle_len, digest_len;
    const char *path = material(folder, "bundle.json"), *digest_path = material(folder, "bundle.digest");
    char *bundle = content(path, &bundle_len), *digest = content(digest_path, &digest_len);
    veriseal_accepted_blob *accepted = NULL;
    veriseal_report *report = NULL;
    veriseal_error *error = NULL;
    EXPECT(VERISEAL_STATUS_ACCEPTED, veriseal_verify_digest(it->verifier, digest, digest_len, (const uint8_t *)bundle, bundle_len, it->now, &accepted, &report, &error));
    CHECK(accepted && veriseal_accepted_blob_digest(accepted).len == digest_len);
    CHECK(memcmp(veriseal_accepted_blob_digest(accepted).data, digest, digest_len) == 0);
    CHECK(veriseal_report_verdict(report) == VERISEAL_VERDICT_ACCEPTED);
    veriseal_accepted_blob_free(accepted);
    veriseal_report_free(report);
    accepted = (veriseal_accepted_blob *)(void *)&report;
    EXPECT(VERISEAL_STATUS_REJECTED, veriseal_verify_blob(it->verifier, (const uint8_t *)"other", 5, (const uint8_t *)bundle, bundle_len, it->now, &accepted, &report, &error));
    CHECK(!accepted && veriseal_report_verdict(report) == VERISEAL_VERDICT_REJECTED && veriseal_accepted_blob_digest(accepted).len == 0);
    veriseal_report_free(report);
    EXPECT(VERISEAL_STATUS_REFUSED, veriseal_verify_digest(it->verifier, "sha1:00", 7, (const uint8_t *)bundle, bundle_len, it->now, &accepted, &report, &error));
    CHECK(!accepted && !report && same(veriseal_error_code_name(error), "DIGEST_INVALID"));
    veriseal_error_free(error);
    free(bundle);
    free(digest);
    free((void *)path);
    free((void *)digest_path);
}

static void policies(const start *it) {
    veriseal_error *error = NULL;
    veriseal_policy *policy = NULL;
    veriseal_verifier *verifier = NULL;
    veriseal_trust_root *trust = NULL;
    veriseal_accepted *accepted = NULL;
    veriseal_report *report = NULL;
    const char *path = material(folder, "policy.yaml");
    EXPECT(VERISEAL_STATUS_DONE, veriseal_policy_new_file(path, strlen(path), &policy, &error));
    CHECK(veriseal_policy_mode(policy) == VERISEAL_MODE_ENFORCE);
    EXPECT(VERISEAL_STATUS_DONE, veriseal_trust_root_new_embedded("sigstore", 8, &trust, &error));
    EXPECT(VERISEAL_STATUS_MISUSE, veriseal_verifier_new(trust, policy, &verifier, &error));
    CHECK(!verifier && contains(veriseal_error_message(error), "trust_root"));
    veriseal_error_free(error);
    EXPECT(VERISEAL_STATUS_DONE, veriseal_verifier_new(NULL, policy, &verifier, &error));
    EXPECT(VERISEAL_STATUS_ACCEPTED, veriseal_verify(verifier, it->layout, it->image, strlen(it->image), NULL, it->now, &accepted, NULL, &error));
    veriseal_accepted_free(accepted);
    /* Another image falls to another rule. */
    EXPECT(VERISEAL_STATUS_REJECTED, veriseal_verify(verifier, it->layout, "evil.example/app:v1", 19, NULL, it->now, &accepted, &report, &error));
    CHECK(!accepted && same(veriseal_report_code_name(report), "IMAGE_DENIED"));
    veriseal_report_free(report);
    veriseal_session *session = NULL;
    EXPECT(VERISEAL_STATUS_DONE, veriseal_session_new(verifier, "evil.example/app:v1", 19, &session, &error));
    CHECK(veriseal_session_is_done(session));
    EXPECT(VERISEAL_STATUS_REJECTED, veriseal_session_conclude(verifier, session, it->now, &accepted, &report, &error));
    CHECK(!accepted && same(veriseal_report_code_name(report), "IMAGE_DENIED"));
    veriseal_report_free(report);
    veriseal_session_free(session);
    veriseal_verifier_free(verifier);
    veriseal_policy_free(policy);
    veriseal_trust_root_free(trust);
    free((void *)path);

    const char *bad = "apiVersion: veriseal/v1\nimages:\n  - match: [\"**\"]\n    requires: {}\n";
    policy = (veriseal_policy *)(void *)&error;
    EXPECT(VERISEAL_STATUS_REFUSED, veriseal_policy_new_document((const uint8_t *)bad, strlen(bad), "p.yaml", 6, &policy, &error));
    CHECK(!policy && contains(veriseal_error_message(error), "p.yaml:4:"));
    veriseal_error_free(error);
    EXPECT(VERISEAL_STATUS_MISUSE, veriseal_policy_new(NULL, 0, VERISEAL_COMBINE_ANY, &policy, NULL));
    veriseal_requirement *requirement = NULL;
    EXPECT(VERISEAL_STATUS_MISUSE, veriseal_requirement_new_keyless("a", 1, "", 0, &requirement, NULL));
    CHECK(!requirement);
    EXPECT(VERISEAL_STATUS_DONE, veriseal_requirement_new_keyless("a", 1, "b", 1, &requirement, NULL));
    EXPECT(VERISEAL_STATUS_MISUSE, veriseal_requirement_set_tlog(requirement, 0, NULL));
    EXPECT(VERISEAL_STATUS_MISUSE, veriseal_requirement_set_sct(requirement, 3, NULL));
    EXPECT(VERISEAL_STATUS_DONE, veriseal_requirement_set_sct(requirement, VERISEAL_SCT_IGNORED, NULL));
    EXPECT(VERISEAL_STATUS_MISUSE, veriseal_requirement_set_key_validity(requirement, 1, 2, NULL));
    const veriseal_requirement *two[] = {requirement, NULL};
    EXPECT(VERISEAL_STATUS_MISUSE, veriseal_policy_new(two, 2, VERISEAL_COMBINE_ALL, &policy, NULL));
    EXPECT(VERISEAL_STATUS_MISUSE, veriseal_policy_new(two, 1, 0, &policy, NULL));
    veriseal_requirement_free(requirement);
}

/* What is weaker than the default stands in the report. */
static void weaker(const start *it) {
    veriseal_trust_root *trust = NULL;
    veriseal_requirement *requirement = NULL;
    veriseal_policy *policy = NULL;
    veriseal_verifier *verifier = NULL;
    veriseal_accepted *accepted = NULL;
    veriseal_report *report = NULL;
    const char *root = material(folder, "trusted_root.json"), *key = material(folder, "key.pem");
    EXPECT(VERISEAL_STATUS_DONE, veriseal_trust_root_new_file(root, strlen(root), &trust, NULL));
    EXPECT(VERISEAL_STATUS_DONE, veriseal_requirement_new_key_file(key, strlen(key), &requirement, NULL));
    EXPECT(VERISEAL_STATUS_DONE, veriseal_requirement_set_tlog(requirement, VERISEAL_TLOG_IGNORED, NULL));
    const veriseal_requirement *one[] = {requirement};
    EXPECT(VERISEAL_STATUS_DONE, veriseal_policy_new(one, 1, VERISEAL_COMBINE_ALL, &policy, NULL));
    EXPECT(VERISEAL_STATUS_DONE, veriseal_verifier_new(trust, policy, &verifier, NULL));
    EXPECT(VERISEAL_STATUS_ACCEPTED, veriseal_verify(verifier, it->layout, it->image, strlen(it->image), NULL, it->now, &accepted, &report, NULL));
    CHECK(accepted && contains(veriseal_report_json(report), "LOG_IGNORED"));
    veriseal_accepted_free(accepted);
    veriseal_report_free(report);
    veriseal_verifier_free(verifier);
    veriseal_policy_free(policy);
    /* A key that might sign only before this signature was made. */
    EXPECT(VERISEAL_STATUS_DONE, veriseal_requirement_set_key_validity(requirement, 0, 1, NULL));
    EXPECT(VERISEAL_STATUS_DONE, veriseal_policy_new(one, 1, VERISEAL_COMBINE_ALL, &policy, NULL));
    EXPECT(VERISEAL_STATUS_DONE, veriseal_verifier_new(trust, policy, &verifier, NULL));
    EXPECT(VERISEAL_STATUS_REJECTED, veriseal_verify(verifier, it->layout, it->image, strlen(it->image), NULL, it->now, &accepted, &report, NULL));
    CHECK(!accepted && contains(veriseal_report_json(report), "KEY_OUTSIDE_WINDOW"));
    veriseal_report_free(report);
    veriseal_verifier_free(verifier);
    veriseal_policy_free(policy);
    veriseal_requirement_free(requirement);
    veriseal_trust_root_free(trust);
    free((void *)root);
    free((void *)key);
}

static void registries(void) {
    veriseal_error *error = NULL;
    veriseal_registry *registry = NULL;
    veriseal_source *source = NULL;
    EXPECT(VERISEAL_STATUS_DONE, veriseal_registry_new(&registry, NULL));
    EXPECT(VERISEAL_STATUS_DONE, veriseal_registry_set_credentials(registry, "ghcr.io", 7, "user", 4, "canary-secret", 13, NULL));
    EXPECT(VERISEAL_STATUS_DONE, veriseal_registry_set_deadline(registry, 0, NULL));
    EXPECT(VERISEAL_STATUS_REFUSED, veriseal_source_new_registry(registry, &source, &error));
    CHECK(!source && same(veriseal_error_code_name(error), "CONFIG_INVALID"));
    /* K-AP-05. */
    CHECK(!contains(veriseal_error_message(error), "canary"));
    veriseal_error_free(error);
    EXPECT(VERISEAL_STATUS_MISUSE, veriseal_source_new_registry(registry, &source, NULL));
    EXPECT(VERISEAL_STATUS_MISUSE, veriseal_registry_allow_http(registry, "a", 1, NULL));
    veriseal_registry_free(registry);
    EXPECT(VERISEAL_STATUS_DONE, veriseal_registry_new(&registry, NULL));
    EXPECT(VERISEAL_STATUS_DONE, veriseal_registry_set_docker_config(registry, (const uint8_t *)"{", 1, NULL));
    EXPECT(VERISEAL_STATUS_REFUSED, veriseal_source_new_registry(registry, &source, NULL));
    veriseal_registry_free(registry);
    EXPECT(VERISEAL_STATUS_REFUSED, veriseal_source_new_layout("/nonexistent", 12, &source, &error));
    CHECK(!source && same(veriseal_error_code_name(error), "SOURCE_INVALID"));
    veriseal_error_free(error);
}

static void codes(void) {
    CHECK(veriseal_code_count() > 100);
    for (size_t at = 0; at < veriseal_code_count(); at++) {
        uint16_t code = veriseal_code_at(at);
        veriseal_str name = veriseal_code_name(code);
        CHECK(code != 0 && name.len > 0 && veriseal_code_meaning(code).len > 0 && veriseal_code_action(code).len > 0);
        CHECK(veriseal_code_by_name(name.data, name.len) == code);
    }
    CHECK(veriseal_code_at(veriseal_code_count()) == 0 && veriseal_code_name(0).len == 0 && veriseal_code_name(0).data);
    CHECK(veriseal_code_by_name("NO_SUCH_CODE", 12) == 0 && veriseal_code_by_name(NULL, 0) == 0);
    CHECK(same(veriseal_code_name(1), "ACCEPTED"));
    char version[32];
    snprintf(version, sizeof version, "%d.%d.%d", VERISEAL_VERSION_MAJOR, VERISEAL_VERSION_MINOR, VERISEAL_VERSION_PATCH);
    CHECK(same(veriseal_version(), version));
    CHECK(veriseal_now() > 1700000000);
}

/* One platform of a signed index: its manifest is what is deployed. */
static void platforms(const start *it) {
    veriseal_verifier *verifier = verifier_of(folder, "key.pem");
    veriseal_source *source = NULL;
    veriseal_accepted *accepted = NULL;
    veriseal_error *error = NULL;
    uint8_t before[32], after[32];
    const char *layout = material(folder, "index");
    EXPECT(VERISEAL_STATUS_DONE, veriseal_source_new_layout(layout, strlen(layout), &source, NULL));
    EXPECT(VERISEAL_STATUS_ACCEPTED, veriseal_verify(verifier, source, it->image, strlen(it->image), NULL, it->now, &accepted, NULL, NULL));
    CHECK(veriseal_accepted_platform_count(accepted) == 0 && veriseal_accepted_platform_name(accepted, 0).len == 0);
    veriseal_str pinned = veriseal_accepted_pinned(accepted), resolved = veriseal_accepted_resolved(accepted);
    CHECK(pinned.len == resolved.len && memcmp(pinned.data, resolved.data, pinned.len) == 0);
    veriseal_accepted_free(accepted);

    EXPECT(VERISEAL_STATUS_DONE, veriseal_verifier_fingerprint(verifier, before, NULL));
    EXPECT(VERISEAL_STATUS_DONE, veriseal_verifier_use_key_tables(verifier, NULL));
    EXPECT(VERISEAL_STATUS_DONE, veriseal_verifier_set_platforms(verifier, "linux/arm64", 11, NULL));
    EXPECT(VERISEAL_STATUS_DONE, veriseal_verifier_fingerprint(verifier, after, NULL));
    CHECK(memcmp(before, after, sizeof before) != 0);
    EXPECT(VERISEAL_STATUS_ACCEPTED, veriseal_verify(verifier, source, it->image, strlen(it->image), NULL, it->now, &accepted, NULL, NULL));
    CHECK(veriseal_accepted_platform_count(accepted) == 1 && same(veriseal_accepted_platform_name(accepted, 0), "linux/arm64"));
    pinned = veriseal_accepted_pinned(accepted);
    resolved = veriseal_accepted_resolved(accepted);
    veriseal_str of_platform = veriseal_accepted_platform_pinned(accepted, 0);
    CHECK(pinned.len == of_platform.len && memcmp(pinned.data, of_platform.data, pinned.len) == 0);
    CHECK(memcmp(pinned.data, resolved.data, pinned.len) != 0 && veriseal_accepted_platform_pinned(accepted, 1).len == 0);
    veriseal_accepted_free(accepted);

    EXPECT(VERISEAL_STATUS_REFUSED, veriseal_verifier_set_platforms(verifier, "linux/arm64,linux/arm64", 23, &error));
    CHECK(same(veriseal_error_code_name(error), "PLATFORM_INVALID"));
    veriseal_error_free(error);
    /* Signatures that are kept elsewhere are not looked for here. */
    EXPECT(VERISEAL_STATUS_REFUSED, veriseal_verifier_set_signature_repository(verifier, "a:b", 3, NULL));
    veriseal_verifier_free(verifier);
    veriseal_source_free(source);
    free((void *)layout);
}

/* References from outside never make the library read a file. */
static void layouts(const start *it) {
    veriseal_accepted *accepted = NULL;
    veriseal_error *error = NULL;
    EXPECT(VERISEAL_STATUS_REFUSED, veriseal_verify(it->verifier, it->layout, "oci:/etc", 8, NULL, it->now, &accepted, NULL, &error));
    CHECK(!accepted && same(veriseal_error_code_name(error), "REFERENCE_INVALID"));
    veriseal_error_free(error);
    size_t room = strlen(folder) + 64;
    char *own = (char *)malloc(room);
    snprintf(own, room, "oci:%s/signed:v1", folder);
    EXPECT(VERISEAL_STATUS_ACCEPTED, veriseal_verify(it->verifier, it->layout, own, strlen(own), NULL, it->now, &accepted, NULL, &error));
    CHECK(contains(veriseal_accepted_pinned(accepted), "oci:") && contains(veriseal_accepted_digest(accepted), "sha256:"));
    veriseal_accepted_free(accepted);
    free(own);
}

int main(int argc, char **argv) {
    start it = begin(argc, argv);
    folder = argv[1];
    results_of_a_fetcher(&it);
    logs(&it);
    deadline_and_cancellation(&it);
    sessions(&it);
    evidence(&it);
    blobs(&it);
    policies(&it);
    weaker(&it);
    registries();
    codes();
    layouts(&it);
    platforms(&it);
    end(it);
    puts("the interface does what the header says");
    return 0;
}
