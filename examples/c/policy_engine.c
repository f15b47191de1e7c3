/*
 * A policy engine in a hundred lines: reads a policy file once, then admits or denies the images named on the command
 * line, fetching with its own HTTP client.
 *
 *   policy_engine POLICY IMAGE [SECONDS-SINCE-1970]
 */
#include "http.h"

/* Most bytes of an answer with its headers. The sink enforces each request's own bound besides. */
enum { MAX_ANSWER = 32 * 1024 * 1024 };

/* Called by the library, on the thread that verifies. `context` is whatever was given with the fetcher. */
static int32_t fetch(void *context, const veriseal_request *request, veriseal_sink *sink) {
    size_t *requests = (size_t *)context;
    (*requests)++;
    /* This engine does not page through referrers: what it cannot find out it says so, and never "none". */
    veriseal_str path = veriseal_request_path(request);
    if (path.len == 0 || veriseal_request_page(request).len != 0) return VERISEAL_FETCH_RESULT_UNAVAILABLE;

    int fd = http_start(veriseal_request_registry(request), path);
    if (fd < 0) {
        const char *why = "no connection";
        (void)!veriseal_sink_set_message(sink, why, strlen(why));
        return VERISEAL_FETCH_RESULT_UNAVAILABLE;
    }
    char *bytes = NULL;
    size_t len = 0, room = 0;
    int32_t result = VERISEAL_FETCH_RESULT_UNAVAILABLE;
    for (;;) {
        if (veriseal_sink_is_cancelled(sink)) {
            result = VERISEAL_FETCH_RESULT_CANCELLED;
            break;
        }
        if (len == room) {
            char *more = room < MAX_ANSWER ? (char *)realloc(bytes, room = room ? room * 2 : 65536) : NULL;
            if (!more) {
                result = VERISEAL_FETCH_RESULT_TOO_LARGE;
                break;
            }
            bytes = more;
        }
        ssize_t got = read(fd, bytes + len, room - len);
        if (got <= 0) {
            if (got == 0) result = http_answer(bytes, len, sink);
            break;
        }
        len += (size_t)got;
    }
    free(bytes);
    close(fd);
    return result;
}

static void say(veriseal_error *error) {
    veriseal_str message = veriseal_error_message(error);
    fprintf(stderr, "policy_engine: %.*s\n", (int)message.len, message.data);
    veriseal_error_free(error);
}

int main(int argc, char **argv) {
    if (argc < 3) {
        fprintf(stderr, "usage: policy_engine POLICY IMAGE [SECONDS]\n");
        return 2;
    }
    int64_t now = argc > 3 ? strtoll(argv[3], NULL, 10) : veriseal_now();
    size_t requests = 0;
    veriseal_error *error = NULL;
    veriseal_policy *policy = NULL;
    veriseal_verifier *verifier = NULL;
    veriseal_source *source = NULL;
    veriseal_fetcher fetcher = {&requests, fetch, NULL};
    int exit_code = 2;

    /* Once, at start: each of these is immutable then and shared by all threads. */
    if (veriseal_policy_new_file(argv[1], strlen(argv[1]), &policy, &error) < 0 ||
        veriseal_verifier_new(NULL, policy, &verifier, &error) < 0 ||
        veriseal_source_new_fetcher(fetcher, &source, &error) < 0) {
        say(error);
    } else {
        /* For each image. */
        veriseal_accepted *accepted = NULL;
        veriseal_report *report = NULL;
        veriseal_status status = veriseal_verify(verifier, source, argv[2], strlen(argv[2]), NULL, now, &accepted, &report, &error);
        if (accepted) {
            veriseal_str pinned = veriseal_accepted_pinned(accepted);
            printf("admit %.*s after %zu requests\n", (int)pinned.len, pinned.data, requests);
            exit_code = 0;
        } else if (status < 0) {
            say(error);
        } else {
            veriseal_str code = veriseal_report_code_name(report), text = veriseal_report_text(report);
            printf("deny %.*s\n%.*s", (int)code.len, code.data, (int)text.len, text.data);
            exit_code = status == VERISEAL_STATUS_REJECTED ? 1 : 3;
        }
        veriseal_report_free(report);
        veriseal_accepted_free(accepted);
    }
    veriseal_source_free(source);
    veriseal_verifier_free(verifier);
    veriseal_policy_free(policy);
    return exit_code;
}
