import './styles.js';
import { localStorageColorSchemeManager, MantineProvider } from '@mantine/core';
import { QueryClientProvider } from '@tanstack/react-query';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { failureOf, takeLink } from './api/one-time-link.js';
import { makeQueryClient } from './api/queries.js';
import { App } from './app.js';
import { theme } from './theme.js';

// First of all: a token does not stay in the address bar for longer than this line takes.
const failed = failureOf(location.hash);
const link = takeLink();

const root = document.getElementById('root');
if (root === null) throw new Error('index.html has no root');
createRoot(root).render(
  <StrictMode>
    <MantineProvider
      theme={theme}
      defaultColorScheme="auto"
      colorSchemeManager={localStorageColorSchemeManager({ key: 'consilium-colour-scheme' })}
      // Both would write style elements into the page; theme.css has what they say.
      withCssVariables={false}
      withGlobalClasses={false}
    >
      <QueryClientProvider client={makeQueryClient()}>
        <App link={link} failed={failed} />
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
);
