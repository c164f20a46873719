/** Failures of HTTP requests as answers; the socket of the hospitals has its own, in the acks of the desk. */
import { Catch, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { Logger } from 'pino';
import type { JudgedRequest } from '../operators/needs.js';
import { currentRequest } from '../operations/request-scope.js';
import { errorBody, HTTP_STATUS, type ApiCode } from './api-error.js';

interface Answer {
  readonly headersSent: boolean;
  status(code: number): { json(body: unknown): void };
}

@Catch()
export class ErrorFilter implements ExceptionFilter {
  constructor(
    private readonly log: Logger,
    private readonly refused: (code: ApiCode) => void,
  ) {}

  async catch(error: unknown, host: ArgumentsHost): Promise<void> {
    const http = host.switchToHttp();
    const body = errorBody(error);
    this.refused(body.code);
    if (HTTP_STATUS[body.code] >= 500) {
      this.log.error({ err: error, code: body.code, requestId: currentRequest() }, 'a request to the API failed');
    }
    await http
      .getRequest<JudgedRequest>()
      .deed?.end(body.code)
      .catch((unwritten: unknown) => {
        this.log.error({ err: unwritten, requestId: currentRequest() }, 'the activity could not be written');
      });
    const response = http.getResponse<Answer>();
    if (!response.headersSent) response.status(HTTP_STATUS[body.code]).json(body);
  }
}
