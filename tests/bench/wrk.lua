-- SPDX-License-Identifier: BSD-2-Clause
done = function(summary, latency)
    local e = summary.errors
    io.write(string.format("%.0f %.0f %d\n", summary.requests / summary.duration * 1e6,
        latency:percentile(50), e.status + e.connect + e.read + e.timeout))
end
