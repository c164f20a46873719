/**
 * A table that stays fast with 10,000 rows: only those in sight are in the page. A real table element, so that a screen
 * reader reads heads with cells; rows above and below are one empty row of their height.
 */
import { useVirtualizer } from '@tanstack/react-virtual';
import { useRef, type ReactNode } from 'react';
import classes from './rows.module.css';

export interface Column<Row> {
  readonly key: string;
  readonly head: ReactNode;
  readonly cell: (row: Row) => ReactNode;
  readonly numeric?: boolean;
  /** Narrower than this it is left out: `tablet` 900 px, `phone` 600 px. */
  readonly leaveOut?: 'tablet' | 'phone';
  /** CSS width. */
  readonly width?: string;
}

export interface RowsProps<Row> {
  readonly label: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly keyOf: (row: Row) => string;
  /** CSS height of the window; without it the table is as high as its rows. Needed beyond {@link PLAIN_ROWS}. */
  readonly height?: string;
  readonly rowHeightPx?: number;
  readonly onEnd?: () => void;
  readonly rowClass?: (row: Row) => string | undefined;
}

const PLAIN_ROWS = 40;

export function Rows<Row>(props: RowsProps<Row>): ReactNode {
  return props.rows.length <= PLAIN_ROWS && props.onEnd === undefined ? (
    <PlainRows {...props} />
  ) : (
    <Windowed {...props} />
  );
}

const classOf = <Row,>({ numeric, leaveOut }: Column<Row>): string =>
  [numeric === true ? classes.numeric : '', leaveOut === undefined ? '' : classes[leaveOut]].filter(Boolean).join(' ');

function Head<Row>({ columns }: { readonly columns: readonly Column<Row>[] }): ReactNode {
  return (
    <thead>
      <tr>
        {columns.map((column) => (
          <th key={column.key} scope="col" className={classOf(column)} style={{ width: column.width }}>
            {column.head}
          </th>
        ))}
      </tr>
    </thead>
  );
}

function Cells<Row>({ columns, row }: { readonly columns: readonly Column<Row>[]; readonly row: Row }): ReactNode {
  return columns.map((column) => (
    <td key={column.key} className={classOf(column)}>
      {column.cell(row)}
    </td>
  ));
}

function PlainRows<Row>({ label, columns, rows, keyOf, rowClass }: RowsProps<Row>): ReactNode {
  return (
    <div className={classes.plain} role="group" aria-label={label} tabIndex={0}>
      <table className={classes.table} aria-label={label}>
        <Head columns={columns} />
        <tbody>
          {rows.map((row) => (
            <tr key={keyOf(row)} className={rowClass?.(row)}>
              <Cells columns={columns} row={row} />
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Windowed<Row>({
  label,
  columns,
  rows,
  keyOf,
  height = '420px',
  rowHeightPx = 44,
  onEnd,
  rowClass,
}: RowsProps<Row>): ReactNode {
  const frame = useRef<HTMLDivElement>(null);
  const virtualizer = useVirtualizer({
    count: rows.length,
    getScrollElement: () => frame.current,
    estimateSize: () => rowHeightPx,
    overscan: 12,
  });
  const shown = virtualizer.getVirtualItems();
  const before = shown[0]?.start ?? 0;
  const after = virtualizer.getTotalSize() - (shown.at(-1)?.end ?? 0);
  const nearEnd = (): void => {
    const { current } = frame;
    if (current === null) return;
    if (current.scrollHeight - current.scrollTop - current.clientHeight < 12 * rowHeightPx) onEnd?.();
  };
  return (
    <div
      ref={frame}
      className={classes.window}
      style={{ maxHeight: height }}
      role="group"
      aria-label={label}
      tabIndex={0}
      onScroll={nearEnd}
    >
      <table className={classes.table} aria-label={label} aria-rowcount={rows.length + 1}>
        <Head columns={columns} />
        <tbody>
          {before > 0 ? <Gap height={before} columns={columns.length} /> : null}
          {shown.map(({ index }) => {
            const row = rows[index];
            return row === undefined ? null : (
              <tr
                key={keyOf(row)}
                aria-rowindex={index + 2}
                style={{ height: rowHeightPx }}
                className={rowClass?.(row)}
              >
                <Cells columns={columns} row={row} />
              </tr>
            );
          })}
          {after > 0 ? <Gap height={after} columns={columns.length} /> : null}
        </tbody>
      </table>
    </div>
  );
}

function Gap({ height, columns }: { readonly height: number; readonly columns: number }): ReactNode {
  return (
    <tr aria-hidden="true" className={classes.gap}>
      <td colSpan={columns} style={{ height }} />
    </tr>
  );
}
