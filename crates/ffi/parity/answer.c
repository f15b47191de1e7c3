/*
 * The C side of `cargo xtask parity` and `call-cost`: answers cases, one flat JSON object of texts a line, each with one line. The
 * format stands in xtask/src/parity.rs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <veriseal.h>

enum { LINE = 1 << 16, FIELDS = 32, MAX_FILE = 64 << 20 };

static struct {
    char *name, *value;
} fields[FIELDS];
static size_t field_count;

static void die(const char *why, const char *what) {
    fprintf(stderr, "answer: %s: %s\n", why, what);
    exit(2);
}

/* Takes a JSON text at *at apart, in place. Its escapes are \" \\ \/ alone: ids, paths and identities need no others. */
static char *text_at(char **at) {
    char *in = *at, *out, *start;
    if (*in++ != '"') die("no text", *at);
    for (start = out = in; *in != '"'; in++) {
        if (*in == '\\') in++;
        if (!*in) die("a text without end", start);
        *out++ = *in;
    }
    *at = in + 1;
    *out = 0;
    return start;
}

static void parse(char *line) {
    field_count = 0;
    char *at = line + strcspn(line, "{");
    while (*at && *at != '}') {
        at += strcspn(at, "\"");
        if (!*at) break;
        if (field_count == FIELDS) die("too many fields", line);
        fields[field_count].name = text_at(&at);
        at += strspn(at, " :");
        fields[field_count++].value = text_at(&at);
        at += strspn(at, " ,");
    }
}

static const char *field(const char *name) {
    for (size_t at = 0; at < field_count; at++) {
        if (strcmp(fields[at].name, name) == 0) return fields[at].value;
    }
    return "";
}

static int is(const char *name, const char *value) { return strcmp(field(name), value) == 0; }

static uint8_t *file(const char *path, size_t *len) {
    FILE *opened = fopen(path, "rb");
    if (!opened) die("no such file", path);
    uint8_t *bytes = (uint8_t *)malloc(MAX_FILE);
    *len = fread(bytes, 1, MAX_FILE, opened);
    fclose(opened);
    return bytes;
}

/* NULL where the case's trust root or signer is refused: then *error says why. */
static veriseal_verifier *verifier_of_case(veriseal_error **error) {
    veriseal_trust_root *trust = NULL;
    veriseal_requirement *requirement = NULL;
    veriseal_policy *policy = NULL;
    veriseal_verifier *verifier = NULL;
    const char *key = field("key"), *identity = field("identity"), *issuer = field("issuer");
    if (veriseal_trust_root_new_file(field("trust"), strlen(field("trust")), &trust, error) < 0) goto done;
    if (*key) {
        if (veriseal_requirement_new_key_file(key, strlen(key), &requirement, error) < 0) goto done;
        if (*field("key_not_before") && veriseal_requirement_set_key_validity(requirement, atoll(field("key_not_before")), atoll(field("key_not_after")), error) < 0) goto done;
    } else if (is("match", "pattern")) {
        if (veriseal_requirement_new_keyless_pattern(identity, strlen(identity), issuer, strlen(issuer), &requirement, error) < 0) goto done;
    } else if (veriseal_requirement_new_keyless(identity, strlen(identity), issuer, strlen(issuer), &requirement, error) < 0) {
        goto done;
    }
    if (is("tlog", "ignored") && veriseal_requirement_set_tlog(requirement, VERISEAL_TLOG_IGNORED, error) < 0) goto done;
    if (is("tlog", "if-present") && veriseal_requirement_set_tlog(requirement, VERISEAL_TLOG_IF_PRESENT, error) < 0) goto done;
    if (is("sct", "ignored") && veriseal_requirement_set_sct(requirement, VERISEAL_SCT_IGNORED, error) < 0) goto done;
    if (veriseal_requirement_set_timestamps(requirement, (uint32_t)atoi(field("timestamps")), error) < 0) goto done;
    if (is("claim", "any") && veriseal_requirement_set_attestation(requirement, "", 0, error) < 0) goto done;
    if (*field("claim") && !is("claim", "any") && veriseal_requirement_set_attestation(requirement, field("claim"), strlen(field("claim")), error) < 0) goto done;
    if (veriseal_policy_new((const veriseal_requirement *const *)&requirement, 1, VERISEAL_COMBINE_ANY, &policy, error) < 0) goto done;
    if (veriseal_verifier_new(trust, policy, &verifier, error) < 0) goto done;
done:
    veriseal_policy_free(policy);
    veriseal_requirement_free(requirement);
    veriseal_trust_root_free(trust);
    return verifier;
}

static const char *status_name(veriseal_status status) {
    switch (status) {
        case VERISEAL_STATUS_ACCEPTED: return "ACCEPTED";
        case VERISEAL_STATUS_REJECTED: return "REJECTED";
        case VERISEAL_STATUS_UNDECIDED: return "UNDECIDED";
        case VERISEAL_STATUS_REFUSED: return "REFUSED";
        default: return "MISUSE";
    }
}

static void answer(void) {
    veriseal_error *error = NULL;
    veriseal_report *report = NULL;
    veriseal_accepted *image = NULL;
    veriseal_accepted_blob *blob = NULL;
    veriseal_source *layout = NULL;
    veriseal_status status = VERISEAL_STATUS_REFUSED;
    int64_t now = atoll(field("now"));
    veriseal_verifier *verifier = verifier_of_case(&error);
    if (verifier && is("kind", "image")) {
        const char *reference = field("reference");
        status = veriseal_source_new_layout(field("layout"), strlen(field("layout")), &layout, &error);
        if (layout) status = veriseal_verify(verifier, layout, reference, strlen(reference), NULL, now, &image, &report, &error);
    } else if (verifier) {
        size_t bundle_len, blob_len;
        uint8_t *bundle = file(field("bundle"), &bundle_len);
        if (*field("blob")) {
            uint8_t *bytes = file(field("blob"), &blob_len);
            status = veriseal_verify_blob(verifier, bytes, blob_len, bundle, bundle_len, now, &blob, &report, &error);
            free(bytes);
        } else {
            status = veriseal_verify_digest(verifier, field("digest"), strlen(field("digest")), bundle, bundle_len, now, &blob, &report, &error);
        }
        free(bundle);
    }
    veriseal_str code = error ? veriseal_error_code_name(error) : veriseal_report_code_name(report);
    veriseal_str pinned = image ? veriseal_accepted_pinned(image) : veriseal_accepted_blob_digest(blob);
    veriseal_str json = veriseal_report_json(report);
    printf("%s\t%s\t%.*s\t%.*s\t%.*s\n", field("id"), status_name(status), (int)code.len, code.data, (int)pinned.len, pinned.data, (int)json.len, json.data);
    veriseal_error_free(error);
    veriseal_report_free(report);
    veriseal_accepted_free(image);
    veriseal_accepted_blob_free(blob);
    veriseal_source_free(layout);
    veriseal_verifier_free(verifier);
}

/* The fastest of many calls over one digest and bundle, in microseconds; as the Rust side does it. */
static void cost(long calls) {
    veriseal_error *error = NULL;
    veriseal_verifier *verifier = verifier_of_case(&error);
    size_t bundle_len, digest_len = strlen(field("digest"));
    uint8_t *bundle = file(field("bundle"), &bundle_len);
    int64_t now = atoll(field("now"));
    double best = 1e18;
    for (long call = -1; call < calls; call++) {
        struct timespec begun, ended;
        veriseal_accepted_blob *accepted = NULL;
        veriseal_report *report = NULL;
        clock_gettime(CLOCK_MONOTONIC, &begun);
        veriseal_status status = veriseal_verify_digest(verifier, field("digest"), digest_len, bundle, bundle_len, now, &accepted, &report, NULL);
        if (!accepted || status != VERISEAL_STATUS_ACCEPTED || veriseal_report_json(report).len < 100) die("not accepted", field("id"));
        veriseal_report_free(report);
        veriseal_accepted_blob_free(accepted);
        clock_gettime(CLOCK_MONOTONIC, &ended);
        double took = (double)(ended.tv_sec - begun.tv_sec) * 1e6 + (double)(ended.tv_nsec - begun.tv_nsec) / 1e3;
        if (call >= 0 && took < best) best = took;
    }
    free(bundle);
    veriseal_verifier_free(verifier);
    printf("%.3f\n", best);
}

int main(int argc, char **argv) {
    static char line[LINE];
    while (fgets(line, sizeof line, stdin)) {
        if (!strchr(line, '\n')) die("too long a line", line);
        parse(line);
        if (argc > 2 && strcmp(argv[1], "cost") == 0) {
            cost(atol(argv[2]));
            return 0;
        }
        answer();
    }
    return 0;
}
