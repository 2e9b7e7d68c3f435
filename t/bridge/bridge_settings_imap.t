#!/usr/bin/perl

# Each setting of a server in pimap-bridge.conf changes what the bridge says to
# the server, or what it keeps.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Bridge;
use Pimap::FakeImap;

my $t = Pimap->new(http => 'pimap_presence on;');
$t->plan(20);
$t->run();

my $redis = $t->redis();
my $fake = Pimap::FakeImap->new(t => $t);
my $list = 'LIST-EXTENDED LIST-STATUS';
my %inbox = (INBOX => [5, 1, 2]);
my ($bridge, @devices, $before);

$fake->start();

# What the server can do, and must not be asked for

watch('condstore = false;', "IDLE ENABLE CONDSTORE QRESYNC $list");
is(noted(qr/ENABLE .*/), 0, 'condstore = false: nothing is enabled');

watch('qresync = false;', "IDLE ENABLE CONDSTORE QRESYNC $list");
is(noted(qr/ENABLE CONDSTORE/), 1, 'qresync = false: CONDSTORE is enabled');
is(noted(qr/ENABLE .*QRESYNC.*/), 0, '    QRESYNC is not');

my @arrives = (['serve', \%inbox, 'IDLE'], ['say', "* 3 EXISTS\r\n"],
    ['serve', { INBOX => [5, 1, 2, 3] }, 'LOGOUT']);

watch('preview = false;', "IDLE PREVIEW $list", @arrives);
ok(comes(qr/UID FETCH 3:\* .*/), 'preview = false: a new message is fetched');
is(noted(qr/.*(?:PREVIEW|BODY\.PEEK\[TEXT\]).*/), 0,
    '    without its text or preview');

# Times

watch('idle = false; poll_time = "100ms";', "IDLE $list");
ok(comes(qr/NOOP/, 3), 'idle = false, poll_time: NOOP is sent each time');
is(noted(qr/IDLE/), 0, '    and IDLE never');

watch('idle_time = "1s";', "IDLE $list");
ok(comes(qr/DONE/, 2), 'idle_time: IDLE is begun anew after it');

watch('quiet_time = "200ms";', "IDLE $list");
ok(comes(qr/DONE/, 3), 'quiet_time: a silent server is asked after it');

watch('round_time = "200ms";', "IDLE $list");
ok(comes(qr/LIST .*/, 4), 'round_time: all mailboxes are looked at after it');

watch('round_time = "200ms"; flags_time = "100ms";', "IDLE $list");
ok(comes(qr/UID FETCH 1:\* \(UID FLAGS\)/, 3),
    'flags_time: the flags are compared after it');

watch('answer_timeout = "300ms";', "IDLE $list", ['wait']);
ok($t->wait_for(sub { $bridge->log() =~ /no answer in/ }),
    'answer_timeout: a server that does not answer is left');

# Limits

watch('max_mailboxes = 1;', "IDLE $list",
    ['serve', { %inbox, Lists => [6, 1] }, 'LOGOUT']);
is($redis->command('HEXISTS', 'pimap:{user1}:bridge', 'Lists'), 0,
    'max_mailboxes: another mailbox is not watched');
like($bridge->log(), qr/"max_mailboxes"/, '    and the log says so');

watch('max_known = 1;', "IDLE $list");
like($redis->command('HGET', 'pimap:{user1}:bridge', 'INBOX'),
    qr/"from":2\b/, 'max_known: the newest message is remembered');

watch('max_message = 1024;', "IDLE $list");
$redis->command('FCALL', 'pimap_update', 2, 'pimap:{user1}', 'pimap:updates',
    10, 'phone', 'u1', $t->json({ id => 'u1', update => 'append',
        mailbox => 'INBOX', message => "Subject: x\r\n\r\n" . 'x' x 1024 }));
like($devices[0]->event()->{json}{detail}, qr/"message" is too long/,
    'max_message: a longer one is refused');

watch('max_connections = 1;', "IDLE $list");
push(@devices, $t->park('user2'));
$devices[-1]->read_until(qr/: parked\n.*\n\n/);
ok($t->wait_for(sub { $bridge->log() =~ /user2": a device is parked/ }),
    'max_connections: another account has a device');
ok($t->wait_for(sub { ($bridge->metric('accounts{state="waiting"}') // 0)
    == 1 }, 'an account'), '    it waits, without a session');

# A password from a file that was written on Windows

my $file = $t->write_file($t->dir() . '/password', "secret\r\n");

over();
$fake->script(['say', "* OK [CAPABILITY IMAP4rev1] hello\r\n"],
    ['login', 'secret'], ['say', "TAG OK [CAPABILITY IMAP4rev1 IDLE $list] "
        . "in\r\n"], ['serve', \%inbox, 'LOGOUT']);
open_bridge("master_password_file = \"$file\";");
ok($bridge->watches(1), 'master_password_file: CRLF ends the password');

over();
is($t->read_file($t->dir() . '/fakeimap.out'), '',
    'the fake server reports no error');


# A bridge with this setting, a server with these capabilities, which plays
# these steps, and a device of user1.

sub watch {
    my ($setting, $caps, @steps) = @_;

    over() if $bridge;

    @steps = ['serve', \%inbox, 'LOGOUT'] if !@steps;
    $fake->script(Pimap::FakeImap->until_login($caps), @steps);

    $before = $t->read_file($t->dir() . '/fakeimap.notes');
    open_bridge("master_password = \"boss\"; $setting");
    $bridge->watches(1) if $steps[0][0] ne 'wait';
}


sub open_bridge {
    my ($setting) = @_;

    $bridge = Pimap::Bridge->new(t => $t, imap => $fake->port(),
        server => 'master_user = "boss"; master_separator = "*"; ' . $setting)
        ->start()->wait_healthy();

    @devices = $t->park('user1', query => 'device=phone');
    $devices[0]->read_until(qr/: parked\n.*\n\n/);
}


sub over {
    $bridge->stop();
    $_->close() for @devices;
    $redis->command('DEL', 'pimap:{user1}:bridge', 'pimap:{user1}:lease',
        'pimap:{user1}', 'pimap:{user1}:epoch');
}


# How often the server got this command since watch().

sub noted {
    my ($re) = @_;

    my $notes = $t->read_file($t->dir() . '/fakeimap.notes');

    return scalar(() = substr($notes, length($before)) =~ /^$re$/mg);
}


sub comes {
    my ($re, $n) = @_;
    return $t->wait_for(sub { noted($re) >= ($n // 1) }, $re);
}
