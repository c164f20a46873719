#!/bin/sh
# The network of a hospital, in namespaces: hospital -- proxy -- coordinator, and no other way between the two ends.
# Usage: hospital-network.sh up|down PREFIX. Nothing outside of the namespaces is touched.
set -e
h="$2-hospital" p="$2-proxy" c="$2-coordinator"
if [ "$1" = down ]; then
  # Whoever is left in them, such as the workers of an nginx that was killed.
  for n in "$h" "$p" "$c"; do
    ip netns pids "$n" 2>/dev/null | xargs -r kill -9 || true
    ip netns del "$n" 2>/dev/null || true
  done
  exit 0
fi
for n in "$h" "$p" "$c"; do
  ip netns add "$n"
  ip -n "$n" link set lo up
done
ip link add inside netns "$h" type veth peer name ward netns "$p"
ip link add outside netns "$p" type veth peer name far netns "$c"
ip -n "$h" addr add 10.77.1.2/24 dev inside
ip -n "$p" addr add 10.77.1.1/24 dev ward
ip -n "$p" addr add 10.77.2.1/24 dev outside
ip -n "$c" addr add 10.77.2.2/24 dev far
for link in "$h inside" "$p ward" "$p outside" "$c far"; do ip -n ${link% *} link set ${link#* } up; done
# A default route that leads to the proxy, which does not forward: what goes past the proxy gets nowhere.
ip -n "$h" route add default via 10.77.1.1
