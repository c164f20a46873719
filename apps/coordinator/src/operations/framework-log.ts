/** NestJS's own lines go where all others go. */
import type { LoggerService } from '@nestjs/common';
import type { Logger } from 'pino';

export function frameworkLog(log: Logger): LoggerService {
  const text = (message: unknown): string => (typeof message === 'string' ? message : 'framework message');
  return {
    log: (message: unknown) => {
      log.debug(text(message));
    },
    warn: (message: unknown) => {
      log.warn(text(message));
    },
    error: (message: unknown) => {
      log.error(text(message));
    },
  };
}
