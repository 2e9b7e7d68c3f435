#!/usr/bin/perl

# Cyrus publishes its changes of mail by its notifyd, with the settings and the
# program of integrations/cyrus: deliveries, uploads, flags, removals and
# mailboxes are events.  Changes of calendars are none.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Cyrus;

my $t = Pimap->new();
my $program = $t->dir() . '/pimap-notify';

$t->nginx()->{locations} .= <<'END';
        location = /batch {
            pimap_publish batch;
        }
END

$t->plan(17);
$t->run();
$t->wait_ready();

my $port = $t->port('http');

$t->write_file($program, $t->read_file($t->root()
    . '/integrations/cyrus/pimap-notify')
    =~ s{127\.0\.0\.1:8026/pimap/publish}{127.0.0.1:$port/batch}r);
chmod(0755, $program);

my $settings = join("\n", $t->read_file($t->root()
    . '/integrations/cyrus/README.md')
    =~ /^ +(event_(?:groups|extra\w+): .*)$/mg);

my $cyrus = Pimap::Cyrus->new(t => $t, notify => $program,
    imapd => $settings)->start()->add('alice');
my $alice = $t->park('alice');

$t->subscribed('alice');

$cyrus->deliver(to => 'alice', subject => 'one');

my $event = $alice->event()->{json};

# the program that tells of the new INBOX may be late

$event = $alice->event()->{json} if $event->{event} eq 'MailboxCreate';

my $uidvalidity = $event->{uidvalidity};

is("$event->{event} $event->{mailbox} $event->{uid}", 'MessageNew INBOX 1',
    'a mail is delivered');
like($uidvalidity, qr/^\d{9,}$/, '    with the uidvalidity');
like($event->{modseq}, qr/^\d+$/, '    and the modseq');
is($event->{messages}, 1, '    and the number of messages');

my $imap = $cyrus->imap('alice');

step('CREATE Work', [ MailboxCreate => 'Work' ]);
step('CREATE "W&APY-rk &- x"',
    [ MailboxCreate => "W\x{f6}rk & x" ]);
step('SUBSCRIBE Work', [ MailboxSubscribe => 'Work' ]);
step('RENAME Work Old', [ MailboxRename => 'Old', oldMailbox => 'Work' ]);
$imap->command('SELECT INBOX');
step('STORE 1 +FLAGS (\Seen)', [ MessageRead => 'INBOX', uids => [1] ]);
step('STORE 1 +FLAGS (\Flagged)', [ FlagsSet => 'INBOX', uids => [1] ]);
step('STORE 1 -FLAGS (\Flagged)', [ FlagsClear => 'INBOX', uids => [1] ]);
step('COPY 1 Old', [ MessageAppend => 'Old', uids => [1] ]);
step('MOVE 1 Old', [ MessageAppend => 'Old', uids => [2] ],
    [ MessageExpunge => 'INBOX', uids => [1] ]);
$imap->append('INBOX', "Subject: two\r\n\r\ntext\r\n");
follows('APPEND', [ MessageAppend => 'INBOX', uid => 2 ]);
step('STORE 1 +FLAGS (\Deleted)', [ MessageTrash => 'INBOX', uids => [2] ]);
step('EXPUNGE', [ MessageExpunge => 'INBOX', uids => [2] ]);
step('DELETE Old', [ MailboxDelete => 'Old' ]);
$imap->logout();
$cyrus->stop();


sub step {
    my ($command, @events) = @_;

    $imap->command($command);
    follows($command, @events);
}


sub follows {
    my ($title, @events) = @_;

    # notifyd starts two programs at a time, so their order may change

    my %got = map { $_->{event} => $_ }
        map { $alice->event()->{json} } @events;

    is_deeply([ map { my ($name, undef, $member) = @$_;
        [ @{ $got{$name} // {} }{qw(event mailbox)},
            $member ? ($member, $got{$name}{$member}) : () ] } @events ],
        \@events, $title);
}
