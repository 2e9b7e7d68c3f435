#!/usr/bin/perl

# Other implementations of TLS 1.3 work with a hibernated connection: OpenSSL's
# client and GnuTLS change their keys and see a proper end; a browser gets its
# events.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Browser;

my $t = Pimap->new(mode => 'pimap_hibernate on;', locations => <<'END');
        location = /events {
            pimap_account $arg_account;
            pimap_events;
        }

        location = /status {
            pimap_status;
        }

        location = / {
            add_header Content-Type text/html;
            return 200 "<title>page</title>";
        }
END

$t->plan(2 * 7 + 13);
$t->run();

my $n = 0;
my $port = $t->port('https');
my $errors = $t->dir() . '/client.err';
my @openssl = ('openssl', 's_client', '-connect', "127.0.0.1:$port",
    '-quiet', '-no_ign_eof', '-verify_quiet', '-tls1_3');
my @gnutls = ('gnutls-cli', '--insecure', '--inline-commands',
    "--logfile=$errors.gnutls", '--port', $port, '--priority',
    'NORMAL:-VERS-ALL:+VERS-TLS1.3', '127.0.0.1');

# "K" and "^rekey1^" ask for a new key of the server, too.

for ([openssl => \@openssl, 'k', 'K'],
    [gnutls => \@gnutls, '^rekey^', '^rekey1^'])
{
    my ($name, $command, @commands) = @$_;
    my $s = park($name, @$command);

    ok(delivered($s, $name), "$name: an event");

    for my $key (@commands) {
        $s->send("$key\n");
        ok(delivered($s, $name), "$name: an event after $key");
    }

    is($t->status()->{devices}{hibernated}, 1, "$name: hibernated");

    my $newer = $t->park($name, query => 'device=one');
    is($s->event()->{event}, 'superseded', "$name: superseded");
    ok($s->ended(), "$name: the last chunk");
    ok($s->closed(), "$name: closed");
    $newer->close();
    $t->wait_for(sub { $t->status()->{parked} == 0 }, 'all gone');
}

$t->wait_for(sub { keys_changed() >= 2 }, 'two key changes by OpenSSL');

my $said = $t->read_file($errors) . $t->read_file("$errors.gnutls");
unlike($said, qr/(?<!verify )error|unexpected|premature|truncat|fatal/i,
    'no client reports a bad end');
is(keys_changed(), 2, 'OpenSSL has changed its keys');
is(scalar(() = $said =~ /Rekey was completed/g), 2,
    'GnuTLS has changed its keys');

# A client that sends too many KeyUpdates is disconnected.

my $s = park('flood', @openssl);
my $before = $t->status()->{ends}{error};

for (1 .. 40) {
    my $changed = keys_changed();

    last if $t->status()->{ends}{error} > $before;
    $s->send("K\n");
    $t->wait_for(sub { keys_changed() > $changed ||
        !$s->{process}->running() }, 'a KeyUpdate') or last;
}

ok($s->closed(), 'too many keys in a row: closed');
is($t->status()->{ends}{error}, $before + 1, 'counted');
like($t->log(),
    qr/\[info\] .*pimap closes a hibernated TLS connection, alert:10\b/,
    'and logged with the reason');

# A browser would choose HTTP/2, so the port must not offer it.

$t->nginx()->{server} = 'listen 127.0.0.1:' . $t->port('h1') . ' ssl;';
$t->reload();

my $browser = Pimap::Browser->start(t => $t);

$browser->open('https://127.0.0.1:' . $t->port('h1') . '/');
ok($browser->wait('document.title === "page"'), 'a page');
$browser->eval(<<'END');
    window.seen = [];
    window.source = new EventSource('/events?account=browser');
    for (const name of ['open', 'error'])
        source.addEventListener(name, () => seen.push(name));
    source.addEventListener('MessageNew', e => seen.push(JSON.parse(e.data)));
    0;
END
ok($browser->wait('seen[0] === "open"'), 'a browser parks');
ok($t->wait_for(sub { $t->status()->{devices}{hibernated} == 1 },
    'hibernation'), 'hibernated');

$t->subscribed('browser');
$t->redis()->publish('browser', { event => 'MessageNew',
    preview => "\xc3\xa4" x 10_000 }) for (1 .. 3);
ok($browser->wait('seen.length === 4'), 'it gets its events');
is($browser->eval('seen[3].preview.length'), 20_000, 'each is complete');
$browser->eval('source.close()');
ok($t->wait_for(sub { $t->status()->{parked} == 0 }, 'its end'),
    'it closes: the device is gone');
like($t->log(), qr/reason="client" account="browser"/,
    'the reason is "client"');


sub park {
    my ($account, @command) = @_;

    my $process = $t->start(pipe => 1, input => 1, errors => $errors,
        command => \@command);
    my $s = Pimap::Stream->new(process => $process);

    $s->send("GET /events?account=$account&device=one HTTP/1.1\n"
        . "Host: localhost\n\n");
    $s->read_until(qr/: parked\n.*\n\n/) or die "not parked\n";
    $t->wait_for(sub { $t->status()->{devices}{hibernated} == 1 },
        'hibernation') or die;
    $t->subscribed($account);

    return $s;
}


sub delivered {
    my ($s, $account) = @_;

    $t->redis()->publish($account, { event => 'MessageNew', uid => ++$n });
    return ($s->event() // {})->{json}{uid} == $n;
}


sub keys_changed {
    return scalar(() = $t->read_file($errors) =~ /KEYUPDATE/g);
}
