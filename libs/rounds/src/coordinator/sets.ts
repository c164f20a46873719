/** Sets as values: nothing here changes its argument. */
import type { HospitalId } from '@consilium/protocol';

type Hospitals = ReadonlySet<HospitalId>;

export const plus = (set: Hospitals, id: HospitalId): Hospitals => new Set(set).add(id);

export const plusAll = (set: Hospitals, others: Hospitals): Hospitals => new Set([...set, ...others]);

export const minus = (set: Hospitals, id: HospitalId): Hospitals => new Set([...set].filter((other) => other !== id));
