/* Four threads on one verifier and one source: every one is answered as if it were alone (K-AP-03). */
#include "check.h"
#include <pthread.h>

typedef struct {
    const start *it;
    size_t rounds;
} work;

static void *verify(void *argument) {
    const work *todo = (const work *)argument;
    const start *it = todo->it;
    for (size_t round = 0; round < todo->rounds; round++) {
        int is_signed = round % 2 == 0;
        veriseal_accepted *accepted = NULL;
        veriseal_report *report = NULL;
        veriseal_status status = veriseal_verify(it->verifier, is_signed ? it->layout : it->unsigned_layout, it->image,
                                                 strlen(it->image), NULL, it->now, &accepted, &report, NULL);
        CHECK((accepted != NULL) == is_signed);
        CHECK(status == (is_signed ? VERISEAL_STATUS_ACCEPTED : VERISEAL_STATUS_REJECTED));
        CHECK(veriseal_report_json(report).len > 100);
        veriseal_report_free(report);
        veriseal_accepted_free(accepted);
    }
    return NULL;
}

int main(int argc, char **argv) {
    start it = begin(argc, argv);
    work todo = {&it, argc > 5 ? (size_t)strtoul(argv[5], NULL, 10) : 8};
    pthread_t threads[4];
    for (int at = 0; at < 4; at++) CHECK(pthread_create(&threads[at], NULL, verify, &todo) == 0);
    for (int at = 0; at < 4; at++) CHECK(pthread_join(threads[at], NULL) == 0);
    end(it);
    puts("four threads share a verifier");
    return 0;
}
