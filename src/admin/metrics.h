// The broker's counters in the text format of Prometheus.
#pragma once

#include "admin/broker_stats.h"

#include <string>

namespace godwit::admin {

/// One series for each counter and shard ("godwit_publishes_received_total{shard="0"} 12"), one for
/// each listener. Source: Prometheus exposition formats, text format 0.0.4
std::string render_metrics(const BrokerStats& stats);

}  // namespace godwit::admin
