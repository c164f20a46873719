/** The frame around every page: where one can go, who one is, and whether what is shown is live. */
import type { Permission } from '@consilium/operator-api';
import { ActionIcon, Drawer } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import type { ReactNode } from 'react';
import { useSignedIn } from '../api/access.js';
import { Icon, type IconName } from '../parts/icons.js';
import { frame } from '../strings/frame.js';
import { Account } from './account.js';
import { Banner, LiveMark } from './live-mark.js';
import { useHash } from './router.js';
import classes from './shell.module.css';

interface Place {
  readonly page: IconName & keyof typeof PAGE_NAMES;
  readonly needs: Permission;
}

const PAGE_NAMES = {
  now: frame.pages.now,
  runs: frame.pages.runs,
  hospitals: frame.pages.hospitals,
  'new-run': frame.pages.newRun,
  activity: frame.pages.activity,
  operators: frame.pages.operators,
};

const PLACES: readonly Place[] = [
  { page: 'now', needs: 'read' },
  { page: 'runs', needs: 'read' },
  { page: 'hospitals', needs: 'read' },
  { page: 'new-run', needs: 'runs' },
  { page: 'activity', needs: 'audit' },
  { page: 'operators', needs: 'operators' },
];

export function Shell({ page, children }: { readonly page: string; readonly children: ReactNode }): ReactNode {
  const [opened, { open, close }] = useDisclosure(false);
  return (
    <>
      <button
        type="button"
        className={classes.skip}
        onClick={() => {
          document.querySelector<HTMLElement>('main h1')?.focus();
        }}
      >
        {frame.skip}
      </button>
      <div className={classes.shell}>
        <aside className={classes.side} aria-label={frame.product}>
          <Brand />
          <Navigation page={page} />
          <p className={classes.honest}>{frame.researchOnly}</p>
        </aside>
        <div className={classes.column}>
          <header className={classes.top}>
            <span className={classes.narrow}>
              <ActionIcon variant="subtle" size="lg" aria-label={frame.openNavigation} onClick={open}>
                <Icon name="menu" size={22} />
              </ActionIcon>
              <Brand />
            </span>
            <LiveMark />
            <Account />
          </header>
          <Banner />
          <main className={classes.main}>{children}</main>
        </div>
      </div>
      <Drawer
        opened={opened}
        onClose={close}
        title={<Brand />}
        size={280}
        lockScroll={false}
        closeButtonProps={{ 'aria-label': frame.close }}
      >
        <div onClick={close}>
          <Navigation page={page} />
        </div>
      </Drawer>
    </>
  );
}

function Brand(): ReactNode {
  return (
    <span className={classes.brand}>
      <img src="./icon.svg" alt="" width="26" height="26" />
      {frame.product}
    </span>
  );
}

function Navigation({ page }: { readonly page: string }): ReactNode {
  const { permissions } = useSignedIn().operator;
  const hash = useHash();
  return (
    <nav aria-label={frame.navigation}>
      <ul className={classes.places}>
        {PLACES.filter(({ needs }) => permissions.includes(needs)).map((place) => (
          <li key={place.page}>
            <a
              href={`#/${place.page}`}
              className={classes.place}
              {...(page === place.page && {
                'aria-current': hash.includes('/runs/') ? ('true' as const) : ('page' as const),
              })}
            >
              <Icon name={place.page} />
              {PAGE_NAMES[place.page]}
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}
