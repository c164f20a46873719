/** Accounts and tokens, over HTTP; for owners, and for auditors to read. */
import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Patch, Post } from '@nestjs/common';
import {
  newOperator,
  newToken,
  operatorChange,
  type LinkView,
  type OperatorView,
  type OperatorWithLink,
  type TokenView,
  type TokenWithSecret,
} from '@consilium/operator-api';
import { parseBody } from '../api/parse.js';
import type { KnownCaller } from './caller.js';
import { CurrentCaller, Needs } from './needs.js';
import { Operators } from './operators.js';

@Controller('api/v1')
export class OperatorsController {
  constructor(@Inject(Operators) private readonly operators: Operators) {}

  @Get('operators')
  @Needs('audit')
  list(): OperatorView[] {
    return this.operators.list();
  }

  @Post('operators')
  @Needs('operators', { action: 'operator.add', subject: 'name', shown: ['role'] })
  add(@CurrentCaller() caller: KnownCaller, @Body() body: unknown): Promise<OperatorWithLink> {
    return this.operators.add(parseBody(newOperator, body), caller);
  }

  @Post('operators/setup')
  @HttpCode(200)
  @Needs('operators', { action: 'operator.setup' })
  setUpLink(@CurrentCaller() caller: KnownCaller): Promise<LinkView> {
    return this.operators.setUpLink(caller);
  }

  @Patch('operators/:name')
  @Needs('operators', { action: 'operator.change', shown: ['role', 'state'] })
  change(@Param('name') name: string, @Body() body: unknown): Promise<OperatorView> {
    return this.operators.change(name, parseBody(operatorChange, body));
  }

  @Delete('operators/:name')
  @HttpCode(204)
  @Needs('operators', { action: 'operator.remove' })
  remove(@Param('name') name: string): Promise<void> {
    return this.operators.remove(name);
  }

  @Post('operators/:name/reset')
  @HttpCode(200)
  @Needs('operators', { action: 'operator.reset' })
  reset(@Param('name') name: string): Promise<OperatorWithLink> {
    return this.operators.reset(name);
  }

  @Post('operators/:name/link')
  @HttpCode(200)
  @Needs('operators', { action: 'operator.link' })
  link(@CurrentCaller() caller: KnownCaller, @Param('name') name: string): Promise<OperatorWithLink> {
    return this.operators.link(name, caller);
  }

  @Get('tokens')
  @Needs('audit')
  tokens(): TokenView[] {
    return this.operators.tokens();
  }

  @Post('tokens')
  @Needs('operators', { action: 'token.create', subject: 'name', shown: ['scopes', 'days'] })
  createToken(@CurrentCaller() caller: KnownCaller, @Body() body: unknown): Promise<TokenWithSecret> {
    return this.operators.createToken(parseBody(newToken, body), caller);
  }

  @Delete('tokens/:name')
  @HttpCode(204)
  @Needs('operators', { action: 'token.revoke' })
  revokeToken(@Param('name') name: string): Promise<void> {
    return this.operators.revokeToken(name);
  }
}
