#!/usr/bin/perl

# Two clients change mailboxes at random while the session is killed and the
# server is restarted, and another mailbox can't be opened. A device that
# applies the events still has the same state as the server. PIMAP_TRUTH:
# seconds for each kind of server.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(sleep time);

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Cyrus;
use Pimap::Dovecot;
use Pimap::ImapSession;
use Pimap::MailTruth qw(truth is_same differences);

my $base = 'IMAP4rev1 SASL-IR ENABLE LITERAL+ UIDPLUS MOVE LIST-EXTENDED '
    . 'LIST-STATUS';
my @flags = ('\Seen', '\Flagged', '\Answered', '\Deleted', '$Work', '$Fun');

my $t = Pimap->new();
$t->plan(12);

my $seed = $ENV{PIMAP_SEED} // time() % 100_000;
my $seconds = $ENV{PIMAP_TRUTH} // 3;

srand($seed);
$SIG{PIPE} = 'IGNORE';
$seed = int($seed);

my %its = (t => $t, driver => 'none');

test_server('QRESYNC', Pimap::Dovecot->new(%its));
test_server('CONDSTORE', Pimap::Dovecot->new(%its,
    capability => "$base IDLE CONDSTORE"));
test_server('neither', Pimap::Dovecot->new(%its, capability => "$base IDLE"));
test_server('Cyrus', Pimap::Cyrus->new(t => $t), 'alice');


sub test_server {
    my ($name, $server, @users) = @_;

    $server->start();
    $server->add(@users) if @users;

    my @clients = map { $server->imap() } 1, 2;

    $clients[0]->command("CREATE $_") for qw(a b broken);
    break_mailbox($server);
    ok(!eval { $clients[0]->command('SELECT broken') } && $@ =~ / NO /,
        "$name: a mailbox can't be opened");

    my $s = Pimap::ImapSession->new(t => $t, port => $t->port('imap'),
        again => 'always', options => { round => 300, flags_round => 1000 });
    my %known = map { $_ => {} } qw(INBOX a b);
    my ($n, $kills, $restarts, $events) = (0) x 4;

    $s->start()->wait_ready();
    $s->{seen} = 0;

    my $end = time() + $seconds;

    while (time() < $end) {
        change(\@clients, $server);
        $n++;
        $events += apply($s, \%known, 0.02);

        if (rand() < 0.01) {
            $kills++;
            $s->stop('KILL');
            change(\@clients, $server) for 1 .. rand(10);
            $s->start();
            $s->{seen} = 0;

        } elsif (rand() < 0.01) {
            $restarts++;
            $server->kill(rand() < 0.5 ? 'TERM' : 'KILL');
            $server->start();
        }
    }

    my $truth = truth($server->imap(), 'broken');

    ok($t->wait_for(sub {
        $events += apply($s, \%known, 0.2);
        eval { is_same($truth, \%known) };
    }, 'the truth', 20),
        '    the events give the state of the others') or do {
        diag("seed $seed $@");
        differences($truth, \%known);
    };

    apply($s, \%known, 1);
    ok(is_same($truth, \%known), '    the state stays the same');
    note("$n changes, $kills kills, $restarts restarts, $events events");
    note(map { "    $s->{ends}{$_} times: $_\n" } sort(keys(%{ $s->{ends} })));

    $s->stop();
    $server->kill();
    system('rm', '-rf', $server->{dir});
}


# Dovecot finds folders in the place of the files of its index.

sub break_mailbox {
    my ($server) = @_;

    if ($server->isa('Pimap::Cyrus')) {
        $server->imap('cyrus')->command('SETACL user/alice/broken alice l');
        return;
    }

    my ($box) = glob("{$server->{dir}/*,$server->{dir}/*/*}/mdbox/mailboxes/"
        . 'broken/dbox-Mails');

    system('rm', '-rf', glob("$box/*"));
    mkdir("$box/dbox.index$_") for '', '.log';
}


# A random change, which may be refused because the mailbox may be gone.

sub change {
    my ($clients, $server) = @_;

    my $client = rand(2);
    my $imap = $clients->[$client];
    my ($box, $other) = map { (qw(INBOX a b c))[rand(4)] } 1, 2;
    my $what = rand();
    my $flag = $flags[rand(@flags)];

    eval {
        if ($what < 0.15) {
            $imap->append($box, "Subject: $what\r\n\r\ntext\r\n");

        } elsif ($what < 0.2) {
            $server->deliver(to => 'alice', subject => $what);

        } elsif ($what < 0.6) {
            $imap->command("SELECT $box");
            my $n = 1 + int(rand(40));
            my $sign = rand() < 0.5 ? '+' : '-';
            $imap->command("UID STORE $n:" . ($n + int(rand(5)))
                . " ${sign}FLAGS ($flag)");

        } elsif ($what < 0.75) {
            $imap->command("SELECT $box");
            my $n = 1 + int(rand(40));
            my $verb = rand() < 0.5 ? 'COPY' : 'MOVE';
            $imap->command("UID $verb $n:" . ($n + int(rand(3))) . " $other");

        } elsif ($what < 0.85) {
            $imap->command("SELECT $box");
            $imap->command('EXPUNGE');

        } elsif ($what < 0.97) {
            $imap->command(('CREATE c', 'CREATE c', 'DELETE c', 'RENAME c d',
                'RENAME d c')[rand(5)]);
        }
    };

    $clients->[$client] = $server->imap() if $@ =~ /closed/;
}


# Applies events as a device does; returns their number.

sub apply {
    my ($s, $known, $time) = @_;

    my $end = time() + $time;
    1 while time() < $end && $s->_read($end);

    my @events = $s->published();
    my @new = @events[$s->{seen} .. $#events];

    apply_event($known, $_) for @new;
    $s->{seen} = @events;

    return scalar(@new);
}


sub apply_event {
    my ($known, $event) = @_;

    my ($name, $box) = @{$event}{qw(event mailbox)};
    my @uids = @{ $event->{uids} // [grep { defined } $event->{uid}] };
    my @its = @{ $event->{flags} // [] };

    @its = ('\Seen') if $name eq 'MessageRead';
    @its = ('\Deleted') if $name eq 'MessageTrash';

    if ($name =~ /^Message(?:New|Append)$/) {
        for my $uid (@uids) {
            die "$uid twice in $box\n" if $known->{$box}{$uid};
            $known->{$box}{$uid} = { map { $_ => 1 } @its };
        }

    } elsif ($name =~ /^(?:FlagsSet|MessageRead|MessageTrash)$/) {
        for my $uid (@uids) { $known->{$box}{$uid}{$_} = 1 for @its }

    } elsif ($name eq 'FlagsClear') {
        for my $uid (@uids) { delete $known->{$box}{$uid}{$_} for @its }

    } elsif ($name eq 'MessageExpunge') {
        delete $known->{$box}{$_} for @uids;

    } elsif ($name eq 'MailboxCreate') {
        $known->{$box} = {};

    } elsif ($name eq 'MailboxDelete') {
        delete $known->{$box};

    } elsif ($name eq 'MailboxRename') {
        $known->{$box} = delete $known->{ $event->{oldMailbox} };
    }
}
