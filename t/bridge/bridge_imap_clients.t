#!/usr/bin/perl

# Mail clients of other projects (imapflow, mbsync) and a parked device. The
# device gets an event within a second after a client changes something. The
# clients see the changes that the device makes by updates.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Bridge;
use Pimap::Dovecot;
use Pimap::ImapFlow;
use Pimap::Mbsync;

my $t = Pimap->new();
$t->plan(31);

my $bridge = Pimap::Bridge->new(t => $t);

$t->nginx()->{locations} = $bridge->locations();
$t->run();
$t->wait_ready();

my $dovecot = Pimap::Dovecot->new(t => $t, driver => 'none')->start();
$dovecot->imap()->command('CREATE Lists');
$dovecot->deliver(to => 'alice', subject => "mail $_") for 1 .. 6;

$bridge->start();

# The device

my %its = (headers => { $bridge->basic('alice', 'secret') });
my $device = $t->park('alice', query => 'device=phone', %its);
my ($ids, @times) = (0);

ok($device->read_until(qr/: parked\n.*\n\n/), 'the device is parked');
ok($bridge->watches(1), 'the bridge watches the account');

my $flow = Pimap::ImapFlow->new(t => $t);
my $mbsync = Pimap::Mbsync->new(t => $t);

# The next event with this name, mailbox and JSON; notes the time since the
# client had its answer.

sub sees {
    my ($client, $what, $name, $mailbox, $re) = @_;

    my $event;

    while ($event = $device->event()) {
        last if $event->{event} =~ /^(?:$name)$/
            && $event->{json}{mailbox} eq $mailbox
            && $t->json($event->{json}) =~ $re;
    }

    my $time = time() - $client->last();

    push(@times, $time);
    ok($event, "the device gets the event: $what");
}

sub update {
    my (%update) = @_;

    my $id = 'u' . ++$ids;

    $t->update('alice', [{ id => $id, %update }], device => 'phone', %its);

    while (my $event = $device->event()) {
        return $event->{json}{status} if $event->{event} eq 'UpdateResult'
            && $event->{json}{update} eq $id;
    }
}

# Both clients start with the same mail.

is($flow->call('connect'), undef, 'imapflow logs in');
is($flow->call('mailboxOpen', 'INBOX')->{exists}, 6,
    '    it sees all messages');
ok($mbsync->sync(), 'mbsync syncs');
like($mbsync->file('INBOX', 'mail 6'), qr/U=6/, '    it has all messages');

# A delivery

$dovecot->deliver(to => 'alice', subject => 'mail 7');
$flow->call('noop');
sees($flow, 'a delivery', 'MessageNew', 'INBOX', qr/"subject":"mail 7"/);

# Changes by imapflow

my @first = ('1', ['\Flagged', '$Work'], { uid => \1 });

$flow->call('messageFlagsAdd', @first);
sees($flow, 'imapflow sets flags', 'FlagsSet', 'INBOX',
    qr/(?=.*Flagged)(?=.*\$Work).*"uids":\[1\]/);
$flow->call('messageFlagsRemove', @first);
sees($flow, 'imapflow clears flags', 'FlagsClear', 'INBOX',
    qr/(?=.*Flagged)(?=.*\$Work).*"uids":\[1\]/);
$flow->call('messageFlagsAdd', '1', ['\Seen'], { uid => \1 });
sees($flow, 'imapflow marks a message as read', 'MessageRead', 'INBOX',
    qr/"uids":\[1\]/);
$flow->call('messageDelete', '2', { uid => \1 });
sees($flow, 'imapflow deletes a message', 'MessageExpunge', 'INBOX',
    qr/"uids":\[2\]/);
$flow->call('messageMove', '1', 'Lists', { uid => \1 });
sees($flow, 'imapflow moves a message', 'Message(?:New|Append)', 'Lists',
    qr/"subject":"mail 1"/);
$flow->call('mailboxCreate', 'Work');
sees($flow, 'imapflow creates a mailbox', 'MailboxCreate', 'Work', qr/./);

# Changes by mbsync

ok($mbsync->sync(), 'mbsync fetches the changes');
like($mbsync->file('Lists', 'mail 1'), qr/:2,S$/,
    '    the moved message is there');
ok(!$mbsync->file('INBOX', 'mail 1') && !$mbsync->file('INBOX', 'mail 2'),
    '    the deleted message is gone');

$mbsync->change('INBOX', 'mail 3', 'FS');
$mbsync->sync();
sees($mbsync, 'mbsync sets flags', 'FlagsSet', 'INBOX',
    qr/Flagged.*"uids":\[3\]/);
$mbsync->change('INBOX', 'mail 4', 'S', 'Lists');
$mbsync->sync();
sees($mbsync, 'mbsync moves a message', 'Message(?:New|Append)', 'Lists',
    qr/"subject":"mail 4"/);
unlink($mbsync->file('Lists', 'mail 1'));
$mbsync->sync();
sees($mbsync, 'mbsync deletes a message', 'MessageExpunge', 'Lists',
    qr/"uids":\[1\]/);

# Changes by the device

$flow->call('idle');
$flow->forget();
is(update(update => 'store', mailbox => 'INBOX', uids => [5],
    add => ['\Flagged']), 'done', 'the device sets a flag');
my $flags = $flow->told('flags');
ok(grep({ $_ eq '\Flagged' } @{ $flags->{flags} }),
    '    imapflow gets the flag')
    or diag(explain($flags));
is(update(update => 'move', mailbox => 'INBOX', uids => [6], to => 'Work'),
    'done', 'the device moves a message');
is($flow->told('expunge')->{path}, 'INBOX', '    imapflow gets the expunge');
is(update(update => 'append', mailbox => 'Work', flags => ['\Draft'],
    message => "Subject: from the phone\r\n\r\nHi.\r\n"), 'done',
    'the device appends a message');
is($flow->call('mailboxOpen', 'Work')->{exists}, 2,
    '    imapflow sees both messages');
ok($mbsync->sync(), '    mbsync syncs');
like($mbsync->file('INBOX', 'mail 5'), qr/:2,\w*F/, '    it has the flag');
ok(!$mbsync->file('INBOX', 'mail 6') && $mbsync->file('Work', 'mail 6'),
    '    it has the moved message');
like($mbsync->file('Work', 'from the phone'), qr/:2,\w*D/,
    '    it has the draft');

@times = sort { $a <=> $b } @times;
cmp_ok($times[@times / 2], '<', 1, 'the median delay is below a second');
cmp_ok($times[-1], '<', 5, '    no event is later than five seconds');
note(sprintf('slowest: %.3f s', $times[-1]));

$flow->call('logout');
$bridge->stop();
