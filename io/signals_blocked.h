// Signals are for the thread that the program chose: while this object lives, threads that are
// started take none.
#pragma once

#include <pthread.h>
#include <signal.h>

#include <initializer_list>

namespace ringlog::io {

class SignalsBlocked {
public:
    SignalsBlocked() {
        sigset_t asynchronous;
        sigfillset(&asynchronous);
        // What a thread does wrong itself must still reach handlers (sanitizers, crash reports).
        for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS}) {
            sigdelset(&asynchronous, fault);
        }
        pthread_sigmask(SIG_BLOCK, &asynchronous, &previous_);
    }
    SignalsBlocked(const SignalsBlocked&) = delete;
    SignalsBlocked& operator=(const SignalsBlocked&) = delete;
    ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &previous_, nullptr); }

private:
    sigset_t previous_{};
};

}  // namespace ringlog::io
