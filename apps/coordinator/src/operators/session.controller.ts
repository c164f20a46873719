/** Signing in and out, over HTTP. */
import { Body, Controller, Delete, Get, HttpCode, Inject, Post, Put, Req, Res } from '@nestjs/common';
import type { ServerResponse } from 'node:http';
import {
  changePassword,
  followLink,
  followWelcome,
  setUp,
  signIn,
  type SessionView,
  type SignInWays,
} from '@consilium/operator-api';
import { ApiError } from '../api/api-error.js';
import { parseBody } from '../api/parse.js';
import { SignIns } from './sign-ins.js';
import type { Caller } from './caller.js';
import { CurrentCaller, ForAnybody, NeedsSession, type JudgedRequest } from './needs.js';

type Operator = Extract<Caller, { kind: 'operator' }>;

@Controller('api/v1/session')
export class SessionController {
  constructor(@Inject(SignIns) private readonly signIns: SignIns) {}

  @Get()
  @NeedsSession()
  show(@CurrentCaller() caller: Operator): SessionView {
    return this.signIns.view(caller.name, caller.session);
  }

  @Get('ways')
  @ForAnybody()
  ways(): SignInWays {
    return this.signIns.ways();
  }

  @Post()
  @HttpCode(200)
  @ForAnybody()
  begin(@Req() request: JudgedRequest, @Res({ passthrough: true }) response: ServerResponse): Promise<SessionView> {
    const { name, password } = parseBody(signIn, request.body);
    return this.signIns.byPassword({ request, response }, name, password);
  }

  @Post('setup')
  @HttpCode(200)
  @ForAnybody()
  setUp(@Req() request: JudgedRequest, @Res({ passthrough: true }) response: ServerResponse): Promise<SessionView> {
    const { token, name, password } = parseBody(setUp, request.body);
    return this.signIns.bySetUp({ request, response }, token, name, password);
  }

  @Post('link')
  @HttpCode(200)
  @ForAnybody()
  link(@Req() request: JudgedRequest, @Res({ passthrough: true }) response: ServerResponse): Promise<SessionView> {
    return this.signIns.byLink({ request, response }, parseBody(followLink, request.body).token);
  }

  @Post('welcome')
  @HttpCode(200)
  @ForAnybody()
  welcome(@Req() request: JudgedRequest, @Res({ passthrough: true }) response: ServerResponse): Promise<SessionView> {
    const { token, password } = parseBody(followWelcome, request.body);
    return this.signIns.byWelcome({ request, response }, token, password);
  }

  @Delete()
  @HttpCode(204)
  @NeedsSession({ action: 'session.end' })
  end(
    @CurrentCaller() caller: Operator,
    @Req() request: JudgedRequest,
    @Res({ passthrough: true }) response: ServerResponse,
  ): Promise<void> {
    return this.signIns.end({ request, response }, caller.session);
  }

  @Put('password')
  @NeedsSession({ action: 'session.password' })
  password(
    @CurrentCaller() caller: Operator,
    @Body() body: unknown,
    @Req() request: JudgedRequest,
    @Res({ passthrough: true }) response: ServerResponse,
  ): Promise<SessionView> {
    return this.signIns.changePassword({ request, response }, caller.name, parseBody(changePassword, body));
  }

  @Get('oidc')
  @ForAnybody()
  async elsewhere(@Req() request: JudgedRequest, @Res() response: ServerResponse): Promise<void> {
    const to = await this.signIns.elsewhere({ request, response });
    response.writeHead(302, { location: to }).end();
  }

  @Get('oidc/callback')
  @ForAnybody()
  async back(@Req() request: JudgedRequest, @Res() response: ServerResponse): Promise<void> {
    // A page reads this answer, not a program: it learns the code and shows the sentence itself.
    const failure = await this.signIns.back({ request, response }).catch((error: unknown) => {
      if (error instanceof ApiError) return error.code;
      throw error;
    });
    response.writeHead(302, { location: failure === undefined ? '/' : `/#sign-in-failed=${failure}` }).end();
  }
}
