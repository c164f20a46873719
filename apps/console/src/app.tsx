/** Who is signed in decides what is there: the pages, or the way in. */
import type { SessionView } from '@consilium/operator-api';
import { useQueryClient } from '@tanstack/react-query';
import { lazy, Suspense, useEffect, useState, type ReactNode } from 'react';
import { SessionContext } from './api/access.js';
import { onSignedOut, keepCsrf } from './api/client.js';
import { keys } from './api/keys.js';
import { followChanges } from './api/live.js';
import type { OneTimeLink } from './api/one-time-link.js';
import { useSession } from './api/queries.js';
import { Page } from './frame/page.js';
import { routeOf, useHash, type Route } from './frame/router.js';
import { Shell } from './frame/shell.js';
import { Now } from './pages/now/now.js';
import { SignIn } from './pages/sign-in/sign-in.js';
import { Failure, Nothing } from './parts/answer.js';
import { frame } from './strings/frame.js';

const Runs = lazy(async () => ({ default: (await import('./pages/runs/runs.js')).Runs }));
const Run = lazy(async () => ({ default: (await import('./pages/run/run.js')).Run }));
const Compare = lazy(async () => ({ default: (await import('./pages/compare/compare.js')).Compare }));
const Hospitals = lazy(async () => ({ default: (await import('./pages/hospitals/hospitals.js')).Hospitals }));
const NewRun = lazy(async () => ({ default: (await import('./pages/new-run/new-run.js')).NewRun }));
const Activity = lazy(async () => ({ default: (await import('./pages/activity/activity.js')).Activity }));
const Operators = lazy(async () => ({ default: (await import('./pages/operators/operators.js')).Operators }));

export interface AppProps {
  readonly link: OneTimeLink | undefined;
  /** The code of a sign-in elsewhere that led nowhere. */
  readonly failed: string | undefined;
}

export function App({ link, failed }: AppProps): ReactNode {
  const session = useSession();
  const client = useQueryClient();
  const [pending, setPending] = useState(link);
  useEffect(() => {
    onSignedOut(() => {
      client.setQueryData(keys.session, null);
    });
  }, [client]);
  if (pending !== undefined || session.data === null) {
    return (
      <SignIn
        link={pending}
        failed={failed}
        done={(signedIn) => {
          setPending(undefined);
          if (signedIn !== undefined) client.setQueryData(keys.session, signedIn);
        }}
      />
    );
  }
  if (session.data !== undefined) return <SignedIn session={session.data} />;
  return session.error === null ? null : <Failure error={session.error} again={() => void session.refetch()} />;
}

function SignedIn({ session }: { readonly session: SessionView }): ReactNode {
  const client = useQueryClient();
  const route = routeOf(useHash());
  // Before the first effect of a page: its requests repeat it.
  keepCsrf(session.csrf);
  const { name } = session.operator;
  useEffect(() => followChanges(client), [client, name]);
  return (
    <SessionContext value={session}>
      <Shell page={sectionOf(route)}>
        <Suspense fallback={<p role="status">{frame.loading}</p>}>
          <PageOf route={route} may={(permission) => session.operator.permissions.includes(permission)} />
        </Suspense>
      </Shell>
    </SessionContext>
  );
}

const sectionOf = ({ page }: Route): string => (page === 'run' || page === 'compare' ? 'runs' : page);

function PageOf({
  route,
  may,
}: {
  readonly route: Route;
  readonly may: (permission: SessionView['operator']['permissions'][number]) => boolean;
}): ReactNode {
  switch (route.page) {
    case 'now':
      return <Now />;
    case 'runs':
      return <Runs />;
    case 'run':
      return <Run key={route.run} run={route.run} />;
    case 'compare':
      return <Compare runs={route.runs} />;
    case 'hospitals':
      return <Hospitals />;
    case 'new-run':
      return may('runs') ? <NewRun /> : <NotFound />;
    case 'activity':
      return may('audit') ? <Activity /> : <NotFound />;
    case 'operators':
      return may('operators') ? <Operators /> : <NotFound />;
    case 'unknown':
      return <NotFound />;
  }
}

function NotFound(): ReactNode {
  return (
    <Page name={frame.notFound.title} title={frame.notFound.title}>
      <Nothing title={frame.notFound.title} text={frame.notFound.text}>
        <a href="#/">{frame.notFound.action}</a>
      </Nothing>
    </Page>
  );
}
