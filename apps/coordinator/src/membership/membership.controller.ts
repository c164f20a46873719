/** Inviting, approving and revoking, over HTTP. */
import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Post } from '@nestjs/common';
import {
  approveHospital,
  newInvitation,
  revokeByFile,
  revokeHospital,
  type HospitalView,
  type InvitationView,
  type IssuedInvitation,
  type RosterView,
} from '@consilium/operator-api';
import { parseBody } from '../api/parse.js';
import { nameOf, type KnownCaller } from '../operators/caller.js';
import { CurrentCaller, Needs } from '../operators/needs.js';
import { MembershipDeeds } from './deeds.js';

@Controller('api/v1')
export class MembershipController {
  constructor(@Inject(MembershipDeeds) private readonly deeds: MembershipDeeds) {}

  @Get('roster')
  @Needs('read')
  roster(): Promise<RosterView> {
    return this.deeds.roster();
  }

  @Get('invitations')
  @Needs('read')
  invitations(): Promise<InvitationView[]> {
    return this.deeds.invitations();
  }

  @Post('invitations')
  @Needs('hospitals', { action: 'hospital.invite', shown: ['hospital', 'role', 'validDays'] })
  invite(@CurrentCaller() caller: KnownCaller, @Body() body: unknown): Promise<IssuedInvitation> {
    return this.deeds.invite(parseBody(newInvitation, body), nameOf(caller));
  }

  @Delete('invitations/:invitation')
  @HttpCode(204)
  @Needs('hospitals', { action: 'invitation.withdraw' })
  cancel(@CurrentCaller() caller: KnownCaller, @Param('invitation') invitation: string): Promise<void> {
    return this.deeds.cancel(invitation, nameOf(caller));
  }

  @Post('hospitals/:hospital/approve')
  @HttpCode(200)
  @Needs('hospitals', { action: 'hospital.approve', shown: ['comparedBy', 'how'] })
  approve(
    @CurrentCaller() caller: KnownCaller,
    @Param('hospital') hospital: string,
    @Body() body: unknown,
  ): Promise<HospitalView> {
    return this.deeds.approve(hospital, parseBody(approveHospital, body), nameOf(caller));
  }

  @Post('hospitals/:hospital/revoke')
  @HttpCode(200)
  @Needs('hospitals', { action: 'hospital.revoke', shown: ['reason'] })
  revoke(
    @CurrentCaller() caller: KnownCaller,
    @Param('hospital') hospital: string,
    @Body() body: unknown,
  ): Promise<HospitalView> {
    return this.deeds.revoke(hospital, parseBody(revokeHospital, body).reason, nameOf(caller));
  }

  @Post('revocations')
  @HttpCode(200)
  @Needs('hospitals', { action: 'hospital.revoke' })
  revokeByFile(@Body() body: unknown): Promise<HospitalView> {
    return this.deeds.revokeByFile(parseBody(revokeByFile, body).revocation);
  }
}
