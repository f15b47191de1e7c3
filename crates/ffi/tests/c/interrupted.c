/* A registry that never answers: the deadline of the call ends the wait, and so does another thread. */
#include "check.h"
#include <pthread.h>

static size_t began;

/* The test says on the input when the registry has the request. */
static void *cancel(void *call) {
    CHECK(getchar() == 'c');
    EXPECT(VERISEAL_STATUS_DONE, veriseal_call_cancel((const veriseal_call *)call, NULL));
    began++;
    return NULL;
}

/* K-AP-05: the password stands nowhere. */
static void no_secret(void *context, int32_t level, veriseal_str message) {
    (void)level;
    (*(size_t *)context)++;
    CHECK(!contains(message, "canary"));
}

/* argv: FOLDER IMAGE PINNED SECONDS REFERENCE HOST */
int main(int argc, char **argv) {
    start it = begin(argc, argv);
    CHECK(argc > 6);
    veriseal_registry *settings = NULL;
    veriseal_source *source = NULL;
    veriseal_call *call = NULL;
    veriseal_accepted *accepted = NULL;
    veriseal_report *report = NULL;
    EXPECT(VERISEAL_STATUS_DONE, veriseal_registry_new(&settings, NULL));
    EXPECT(VERISEAL_STATUS_DONE, veriseal_registry_allow_http(settings, argv[6], strlen(argv[6]), NULL));
    EXPECT(VERISEAL_STATUS_DONE, veriseal_registry_set_deadline(settings, 3600000, NULL));
    EXPECT(VERISEAL_STATUS_DONE, veriseal_registry_set_credentials(settings, argv[6], strlen(argv[6]), "user", 4, "canary", 6, NULL));
    EXPECT(VERISEAL_STATUS_DONE, veriseal_source_new_registry(settings, &source, NULL));
    veriseal_registry_free(settings);

    EXPECT(VERISEAL_STATUS_DONE, veriseal_call_new(&call, NULL));
    size_t lines = 0;
    EXPECT(VERISEAL_STATUS_DONE, veriseal_call_set_log(call, &lines, no_secret, NULL));
    EXPECT(VERISEAL_STATUS_DONE, veriseal_call_set_deadline(call, 50, NULL));
    EXPECT(VERISEAL_STATUS_UNDECIDED, veriseal_verify(it.verifier, source, argv[5], strlen(argv[5]), call, it.now, &accepted, &report, NULL));
    CHECK(!accepted && same(veriseal_report_code_name(report), "DEADLINE_EXCEEDED"));
    CHECK(lines > 0 && !contains(veriseal_report_json(report), "canary"));
    veriseal_report_free(report);
    veriseal_call_free(call);

    EXPECT(VERISEAL_STATUS_DONE, veriseal_call_new(&call, NULL));
    puts("timed out");
    fflush(stdout);
    CHECK(getchar() == 'g');
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, cancel, call) == 0);
    EXPECT(VERISEAL_STATUS_UNDECIDED, veriseal_verify(it.verifier, source, argv[5], strlen(argv[5]), call, it.now, &accepted, &report, NULL));
    CHECK(!accepted && same(veriseal_report_code_name(report), "CANCELLED"));
    CHECK(pthread_join(thread, NULL) == 0 && began == 1);
    veriseal_report_free(report);
    veriseal_call_free(call);
    veriseal_source_free(source);
    end(it);
    puts("interrupted");
    return 0;
}
