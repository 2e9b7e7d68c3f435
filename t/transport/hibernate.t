#!/usr/bin/perl

# With "pimap_hibernate on" a device with HTTP/1.1 and TLS 1.3 is served
# without OpenSSL, with each cipher suite; the client notices nothing.  Any
# other device is served as well, and counted.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my $t = Pimap->new(mode => 'pimap_hibernate on;', locations => <<'END');
        location = /events {
            pimap_account $arg_account;
            pimap_ping 1s min=1s;
            pimap_events;
        }

        location = /awake {
            pimap_account $arg_account;
            pimap_hibernate off;
            pimap_events;
        }

        location = /status {
            pimap_status;
        }
END
$t->nginx()->{http} = 'log_format tls "$uri $status $scheme $ssl_protocol '
    . '$ssl_cipher"; access_log ' . $t->dir() . '/tls.log tls;';

my %suites = (TLS_AES_128_GCM_SHA256 => 1, TLS_AES_256_GCM_SHA384 => 2,
    TLS_CHACHA20_POLY1305_SHA256 => 3);
my $event = { event => 'MessageNew', mailbox => 'INBOX', uid => 4711 };
my $large = { event => 'MessageNew', preview => 'x' x 60_000 };

$t->plan(3 * 8 + 23);
$t->run();

for my $suite (sort(keys(%suites))) {
    my $account = "user$suites{$suite}";
    my $s = curl('/events', $account, '--tls13-ciphers', $suite, '--tlsv1.3',
        '--http1.1');

    ok($s->read_until(qr/: parked\n.*\n\n/), "$suite: parked");
    ok(devices('hibernated', 1), 'hibernated');
    $t->subscribed($account);
    $t->redis()->publish($account, $event);
    is_deeply((($s->events(1))[0] // {})->{json}, $event, 'an event');
    $t->redis()->publish($account, $large);
    is_deeply((($s->events(1))[0] // {})->{json}, $large,
        'an event of several records');
    $t->redis()->publish($account, { %$event, uid => $_ }) for (1 .. 50);
    is_deeply([map { $_->{json}{uid} } $s->events(50)],
        [1 .. 50], 'a burst');
    like($s->read_until(qr/event: ping\n.*\n\n/), qr/"interval":1\b/,
        'a ping');
    $s->close();
    ok(devices('hibernated', 0), 'the device is gone');
    like($t->read_file($t->dir() . '/tls.log'),
        qr{^/events 200 https TLSv1.3 $suite$}m,
        'the access log has the suite');
}

is($t->status()->{notHibernated}, 0, 'no device was not hibernated');

# The end is that of HTTP and TLS: curl would report any other as an error.

my $s = curl('/events', 'alice', '--http1.1', '--query' => 'closeafter=state');
ok($s->read_until(qr/: parked\n.*\n\n/) && devices('hibernated', 1), 'parked');
$t->subscribed('alice');
$t->redis()->publish('alice', $event);
is($s->event()->{event}, 'MessageNew', 'closeafter: an event');
ok($s->ended(), 'and a complete response');
like($t->log(), qr/reason="closeafter" .* transport="hibernated"/, 'logged');

$s = curl('/events', 'alice', '--http1.1', '--query' => 'device=phone');
ok($s->read_until(qr/: parked\n.*\n\n/) && devices('hibernated', 1), 'parked');
my $new = $t->park('alice', query => 'device=phone');
is($s->event()->{event}, 'superseded', 'superseded');
ok($s->ended(), 'and a complete response');
$new->close();

# Connections that cannot be hibernated.

my @awake = (['TLS 1.2', 'detachedTls', '/events', '--tls-max', '1.2'],
    ['HTTP/2', 'heldH2Tls', '/events', '--http2'],
    ['not asked for', 'detachedTls', '/awake', '--http1.1']);

for (@awake) {
    my ($what, $kind, $path, @options) = @$_;

    $s = curl($path, 'bob', @options,
        $what eq 'TLS 1.2' ? '--http1.1' : ());
    ok($s->read_until(qr/: parked\n.*\n\n/) && devices($kind, 1),
        "$what: parked without hibernation");
    $t->subscribed('bob');
    $t->redis()->publish('bob', $event);
    is($s->event()->{event}, 'MessageNew', 'an event');
    $s->close();
    ok(devices($kind, 0), 'the device is gone');
}

is($t->status()->{notHibernated}, 2,
    'two devices that could not be hibernated are counted');
like($t->log(), qr/\[info\].*does not hibernate: not TLS 1\.3/,
    'the log has the reason');
unlike($t->log(), qr/\[(?:notice|warn|error)\].*hibernate/, 'but no warning');

# HTTP/1.0 has no chunks: the connection ends the response, by close_notify.

$s = curl('/events', 'carol', '--http1.0', '--query' => 'closeafter=state');
ok($s->read_until(qr/: parked\n.*\n\n/) && devices('hibernated', 1),
    'HTTP/1.0: hibernated');
$t->subscribed('carol');
$t->redis()->publish('carol', $event);
is($s->event()->{event}, 'MessageNew', 'an event');
ok($t->wait_for(sub { $s->{process}->ended_well() }, 'curl'),
    'and a complete response');


sub curl {
    my ($path, $account, @options) = @_;

    my $query = '';

    if (@options > 1 && $options[-2] eq '--query') {
        $query = '&' . pop(@options);
        pop(@options);
    }

    my $process = $t->start(pipe => 1, command => ['curl', '-sNik', @options,
        'https://127.0.0.1:' . $t->port('https') . "$path?account=$account"
        . $query]);

    return Pimap::Stream->new(process => $process, unchunked => 1);
}


sub devices {
    my ($kind, $n) = @_;

    return $t->wait_for(sub { $t->status()->{devices}{$kind} == $n },
        "$n $kind");
}
