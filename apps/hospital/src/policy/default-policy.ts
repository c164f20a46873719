/** What `policy init` writes: the strictest that a usual run can meet, and why each line is there. */

export const DEFAULT_POLICY = `# The policy of this hospital. Only a person here can change it: nothing that comes over the network
# can weaken it. It is read again for every configuration and every round. A key that is unknown or
# missing, or a value without its unit, is an error, and as long as there is one, nothing runs.

version: 1

# "any", or a list of hashes of studies (consilium-hospital approve shows them).
studies: any

# How updates may leave. secagg: masked, so that only the sum over all hospitals can be opened.
# sealed: encrypted to the coordinator, who can then read each update. To allow that as well, write
# [secagg, sealed].
trustModes: [secagg]

# The fewest hospitals whose updates are added up.
cohortMin: 3

# With secagg: how many of the other hospitals may work together with the coordinator and still learn
# nothing of this one's update. Below the first number a run is too weak; above the second it asks for so
# many honest hospitals that few rounds would finish. 0 lets three hospitals begin, of which one may drop
# out; from four on, 1 costs nothing and is the better choice.
collusionToleranceMin: 0
collusionToleranceMax: 66

# The longest update (L2 norm, dimensionless) that may be asked for.
clipNormMax: 100

# Differential privacy: the least noise (standard deviation over the clip bound) and the largest epsilon.
# 0 and "any" demand nothing. A run that does not promise what is demanded here is refused.
noiseMultiplierMin: 0
epsilonMax: any

# What may leave: the tensors of the head that is trained, and nothing else; or a list of their names.
tensors: head

# The fewest patients behind an update.
patientsMin: 10

# When it may train, by the clock of this machine: "always", or a list such as ["19:00-07:00"].
hours: always

# What it may take of this machine. Memory is that of the whole process; disk that of the home folder and the cache.
coresMax: 2
memoryMax: 4 GiB
diskMax: 20 GiB

# The most that may leave in one round, resent parts included.
sentPerRoundMax: 64 MiB

# "required": a person here approves each new configuration (consilium-hospital approve) before anything
# is promised. approvers: 2 asks for two different people.
approval: required
approvers: 1
`;
