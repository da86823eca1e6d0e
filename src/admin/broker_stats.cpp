#include "admin/broker_stats.h"

namespace godwit::admin {

broker::Counters BrokerStats::total() const {
    broker::Counters sum;
    for (const broker::Counters& each : shards) {
#define GW_ADD(name, help) sum.name += each.name;
        GW_COUNTERS(GW_ADD)
        GW_GAUGES(GW_ADD)
#undef GW_ADD
    }
    return sum;
}

}  // namespace godwit::admin
