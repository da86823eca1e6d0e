#include "admin/broker_stats.h"

namespace godwit::admin {

broker::Counters BrokerStats::total() const {
    broker::Counters sum;
    for (const broker::Counters& each : shards) sum += each;
    return sum;
}

}  // namespace godwit::admin
