#include "bench/idle_crowd.h"

#include "bench/subscribers.h"
#include "os/file_table.h"

#include <utility>

namespace godwit::bench {

IdleCrowd::IdleCrowd(Plan plan, uint32_t number)
    : thread_([this, plan = std::move(plan), number]() mutable { run(std::move(plan), number); }) {}

IdleCrowd::~IdleCrowd() {
    end();
}

void IdleCrowd::end() {
    ends_ = true;
    if (thread_.joinable()) thread_.join();
}

void IdleCrowd::run(Plan plan, uint32_t number) {
    if (const auto own = os::take_own_file_table({}); own)
        hold(std::move(plan), number);
    else
        faults_.add(Fault::NoConnection, "no file table for a thread: " + own.error().text());
    is_hopeless_ = faults_.is_hopeless();
    done_count_ = open_count_ = 0;
}

void IdleCrowd::hold(Plan plan, uint32_t number) {
    const Options& o = plan.options;
    auto fleet = Fleet::make(std::move(plan.fleet), faults_);
    if (!fleet) return faults_.add(Fault::NoConnection, fleet.error());
    Ledger ledger({.subscribers = o.subscribers, .topics = o.subscribers}, number);
    Subscribers clients(
        **fleet, ledger, plan.identity,
        {.qos = plan.qos, .topic_prefix = o.topic_prefix, .subscribes = o.subscribes});
    clients.begin(Subscribers::Visit::Stay);
    bool left = false;
    // A turn of the fleet comes at least ten times a second.
    (void)(*fleet)->run_until(
        [&] {
            done_count_ = clients.done_count();
            open_count_ = clients.open_count();
            ping_count_ = (*fleet)->ping_times().count();
            if (leaves_ && !std::exchange(left, true)) clients.leave_all();
            return ends_ || (left && clients.open_count() == 0);
        },
        kNever);
    connect_times_.add((*fleet)->connect_times());
    ping_times_.add((*fleet)->ping_times());
}

}  // namespace godwit::bench
