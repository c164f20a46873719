/** One field of the form, with what it means, its default, and what the check says of it. */
import { Checkbox, NativeSelect, Radio, Stack, Switch, Textarea, TextInput } from '@mantine/core';
import { useState, type ReactNode } from 'react';
import { useHospitals } from '../../api/membership.js';
import { fieldLabels, newRun as words } from '../../strings/new-run.js';
import { words as common } from '../../strings/words.js';
import { asList, asNumber, valueAt, type Draft } from './draft.js';
import type { Field } from './fields.js';
import classes from './new-run.module.css';

export interface FormProps {
  readonly draft: Draft;
  readonly change: (path: string, value: unknown) => void;
  /** By the path of the field. */
  readonly problems: ReadonlyMap<string, string>;
}

/** What it means comes below: fields of one row stand in one line. */
const ORDER = ['label', 'input', 'error', 'description'] as const;

export const labelOf = (path: string): string => fieldLabels[path] ?? path.split('.').at(-1) ?? path;

export function FormField({ field, ...form }: FormProps & { readonly field: Field }): ReactNode {
  const value = valueAt(form.draft, field.path);
  const problem = form.problems.get(field.path);
  const common_ = {
    label: labelOf(field.path),
    description: describe(field),
    error: problem,
    withAsterisk: field.required,
    inputWrapperOrder: [...ORDER],
  };
  const set = (next: unknown): void => {
    form.change(field.path, next);
  };
  if (field.path === 'hospitals') return <HospitalChoice value={value} set={set} problem={problem} />;
  switch (field.kind) {
    case 'text':
      return (
        <TextInput
          {...common_}
          value={wordOf(value)}
          placeholder={placeholderOf(field)}
          maxLength={field.most}
          autoComplete="off"
          spellCheck={false}
          onChange={(event) => {
            set(event.currentTarget.value === '' ? undefined : event.currentTarget.value);
          }}
        />
      );
    case 'number':
      return <NumberField field={field} value={value} set={set} shared={common_} />;
    case 'choice':
      return field.values.length === 1 && field.required ? (
        <NativeSelect
          {...common_}
          value={wordOf(value)}
          data={['', ...field.values].map(choiceOf)}
          onChange={(event) => {
            set(event.currentTarget.value || undefined);
          }}
        />
      ) : (
        <NativeSelect
          {...common_}
          value={wordOf(value ?? field.fallback)}
          data={[...(field.required && field.fallback === undefined ? [''] : []), ...field.values].map(choiceOf)}
          onChange={(event) => {
            set(event.currentTarget.value === '' ? undefined : event.currentTarget.value);
          }}
        />
      );
    case 'switch':
      return (
        <Switch
          label={common_.label}
          description={common_.description}
          error={problem}
          checked={value === undefined ? field.fallback === true : value === true}
          onChange={(event) => {
            set(event.currentTarget.checked);
          }}
        />
      );
    case 'list':
      return <ListField value={value} set={set} shared={common_} />;
    case 'group':
      return <Group field={field} {...form} />;
    case 'variant':
      return <Variant field={field} {...form} />;
  }
}

const choiceOf = (value: string) => ({
  value,
  label: value === '' ? '–' : (common.modes[value] ?? common.metrics[value] ?? value),
});

interface Shared {
  readonly label: string;
  readonly description: string | undefined;
  readonly error: string | undefined;
  readonly withAsterisk: boolean;
  readonly inputWrapperOrder: ('label' | 'input' | 'error' | 'description')[];
}

/** What was typed or is the default; of anything else nothing. */
const wordOf = (value: unknown): string =>
  typeof value === 'string' || typeof value === 'number' ? String(value) : '';

function describe({ means, fallback, kind }: Field): string | undefined {
  const standard =
    kind !== 'variant' && (typeof fallback === 'string' || typeof fallback === 'number')
      ? words.standard(String(fallback))
      : undefined;
  const parts = [sentence(means), standard].filter((part) => part !== undefined);
  return parts.length === 0 ? undefined : parts.join(' ');
}

/** The schema says what a field means in a phrase. */
const sentence = (phrase: string | undefined): string | undefined =>
  phrase === undefined ? undefined : `${phrase.slice(0, 1).toUpperCase()}${phrase.slice(1)}.`;

const placeholderOf = ({ fallback }: Field): string => (typeof fallback === 'string' ? fallback : '');

interface Typed {
  readonly value: unknown;
  readonly set: (value: unknown) => void;
  readonly shared: Shared;
}

/** What is typed stays as it was typed: `0.` on the way to `0.01` is not rewritten. */
function NumberField({ field, value, set, shared }: Typed & { readonly field: Field }): ReactNode {
  const [text, setText] = useState<string>();
  const known = wordOf(value);
  const shown = text !== undefined && String(asNumber(text) ?? '') === known ? text : known;
  return (
    <TextInput
      {...shared}
      value={shown}
      placeholder={wordOf(field.fallback)}
      inputMode="decimal"
      autoComplete="off"
      onChange={(event) => {
        setText(event.currentTarget.value);
        set(asNumber(event.currentTarget.value));
      }}
    />
  );
}

function ListField({ value, set, shared }: Typed): ReactNode {
  const [text, setText] = useState<string>();
  const known = Array.isArray(value) ? value.map(String) : [];
  const shown = text !== undefined && (asList(text) ?? []).join('\n') === known.join('\n') ? text : known.join('\n');
  return (
    <Textarea
      {...shared}
      description={[shared.description, words.listHint].filter(Boolean).join(' ')}
      rows={3}
      value={shown}
      spellCheck={false}
      onChange={(event) => {
        setText(event.currentTarget.value);
        set(asList(event.currentTarget.value));
      }}
    />
  );
}

function Group({ field, ...form }: FormProps & { readonly field: Field & { kind: 'group' } }): ReactNode {
  const optional = !field.required && field.fallback === undefined;
  const used = !optional || valueAt(form.draft, field.path) !== undefined;
  return (
    <fieldset className={classes.group}>
      {optional ? (
        <Switch
          label={labelOf(field.path)}
          description={field.means}
          checked={used}
          onChange={(event) => {
            form.change(field.path, event.currentTarget.checked ? {} : undefined);
          }}
        />
      ) : (
        <legend className={classes.legend}>{labelOf(field.path)}</legend>
      )}
      {used ? (
        <div className={classes.fields}>
          {field.fields.map((inner) => (
            <FormField key={inner.path} field={inner} {...form} />
          ))}
        </div>
      ) : null}
    </fieldset>
  );
}

function Variant({ field, ...form }: FormProps & { readonly field: Field & { kind: 'variant' } }): ReactNode {
  const tagPath = `${field.path}.${field.tag}`;
  const fallback = (field.fallback as Draft | undefined)?.[field.tag];
  const chosen = wordOf(valueAt(form.draft, tagPath) ?? fallback);
  const shape = field.shapes.find(({ value }) => value === chosen);
  return (
    <div className={classes.variant}>
      <NativeSelect
        label={labelOf(field.path)}
        description={[sentence(field.means), sentence(shape?.means)].filter(Boolean).join(' ') || undefined}
        inputWrapperOrder={[...ORDER]}
        error={form.problems.get(field.path) ?? form.problems.get(tagPath)}
        withAsterisk={field.required}
        value={chosen}
        data={[...(fallback === undefined ? [''] : []), ...field.shapes.map(({ value }) => value)].map(choiceOf)}
        onChange={(event) => {
          const { value } = event.currentTarget;
          // Values of another shape would be refused.
          form.change(field.path, value === '' ? undefined : { [field.tag]: value });
        }}
      />
      {shape?.fields.map((inner) => (
        <FormField
          key={inner.path}
          field={inner}
          {...form}
          change={(path, value) => {
            // The shape is written with its first value: without its tag it would not be one.
            if (valueAt(form.draft, tagPath) === undefined)
              form.change(field.path, { [field.tag]: chosen, [path.slice(field.path.length + 1)]: value });
            else form.change(path, value);
          }}
        />
      ))}
    </div>
  );
}

function HospitalChoice({
  value,
  set,
  problem,
}: {
  readonly value: unknown;
  readonly set: (value: unknown) => void;
  readonly problem: string | undefined;
}): ReactNode {
  const hospitals = useHospitals();
  const names = (hospitals.data ?? []).filter(({ state }) => state === 'active').map(({ id }) => id);
  const chosen = Array.isArray(value) ? value.map(String) : undefined;
  return (
    <Stack gap="xs">
      <Radio.Group label={labelOf('hospitals')} value={chosen === undefined ? 'all' : 'some'} error={problem}>
        <Stack gap="xs" mt="xs">
          <Radio
            value="all"
            label={`${words.allHospitals} (${names.length})`}
            onChange={() => {
              set(undefined);
            }}
          />
          <Radio
            value="some"
            label={words.someHospitals}
            onChange={() => {
              set(names);
            }}
          />
        </Stack>
      </Radio.Group>
      {chosen === undefined ? null : (
        <div className={classes.hospitals}>
          {names.map((name) => (
            <Checkbox
              key={name}
              label={name}
              checked={chosen.includes(name)}
              onChange={(event) => {
                set(
                  event.currentTarget.checked
                    ? names.filter((one) => one === name || chosen.includes(one))
                    : chosen.filter((one) => one !== name),
                );
              }}
            />
          ))}
        </div>
      )}
    </Stack>
  );
}
