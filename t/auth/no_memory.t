#!/usr/bin/perl

# A worker without memory does not take a token for an invalid one, nor a
# publisher's event, and makes no bad ticket: the client may try again.  Each
# allocation fails in turn, of the many that verify a signature each 29th.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Oom;
use Pimap::Token;
use Pimap::WebSocket;

plan(skip_all => 'a checker has an allocator of its own')
    if !Pimap::Oom->possible();

my $t = Pimap->new(allow => qr/failed \(12: Cannot allocate memory\)/);
my $oom = Pimap::Oom->new($t);
my $token = Pimap::Token->new($t);
my $keys = $token->jwks('keys.json', qw(ec256 secret));

$t->nginx()->{env} = { $oom->env() };
$t->nginx()->{locations} .= <<"END";
    location = /token {
        pimap_login token;
        pimap_token_key $keys;
        pimap_events;
    }
    location = /ticket { pimap_account \$arg_account; pimap_ticket; }
    location = /parked { pimap_login ticket; pimap_events; }
END

$t->plan(29);
$t->run();
$t->wait_ready();

my %claims = (sub => 'alice');
my %critical = (header => { crit => ['x'], x => 1 });

for my $library (qw(libjwt libjansson libcrypto)) {
    for my $key (qw(ec256 secret)) {
        my $good = $token->bearer($key => \%claims);

        each_fails("$key, $library", $library, 200, sub {
            $t->request(HEAD => '/token', headers => $good, close => 1)
                ->status();
        }, $library eq 'libcrypto' && $key eq 'ec256' ? 29 : 1);
    }
}

each_fails('critical header', 'libjansson', 401, sub {
    $t->request(HEAD => '/token', close => 1,
        headers => $token->bearer(secret => \%claims, %critical))->status();
});

my $ox = $t->json({ user => 'alice', event => 'messageNew',
    folder => 'INBOX', 'imap-uid' => 1, from => 'bob', subject => 'hello',
    snippet => 'text' });

each_fails("Dovecot's event", 'ngx_pimap_module.so', 200, sub {
    $t->post('/publish', $ox)->{status};
});

for my $library (qw(libjansson libcrypto)) {
    each_fails("a ticket, $library", $library, 200, sub {
        my $got = $t->get('/ticket?account=alice');
        my $ticket = ($got->{json} // {})->{ticket};

        $oom->stop();
        return $got->{status} if !$ticket;
        $t->request(HEAD => "/parked?ticket=$ticket", close => 1)->status();
    });
}


# Memory for an id that is longer than what a request has for it.

my $long = '1' x 5000;

$oom->fail(by => 'nginx', size => length($long) + 1);
is($t->get("/events?account=alice&last-event-id=$long")->{status}, 500,
    'no memory for the id of a device: 500, as it would miss events');
is($oom->failed(), 1, 'it has failed');


# Memory for the request line that logs show.

my $secret = 'secret' x 800;
my $path = "/parked?ticket=$secret";

$oom->fail(by => 'nginx', size => length("GET $path HTTP/1.1"));
is($t->get($path)->{status}, 500, 'no memory for a redacted line: 500');
is($oom->failed(), 1, 'it has failed');
unlike($t->log() . $t->read_file($t->dir() . '/access.log'), qr/secret/,
    'no log has the ticket');


# Memory for a command to Redis, which is there.

my $none = 'the worker has no memory to ask Redis';
my $w = $t->websocket('alice', path => '/events');
my $update = '{"id":"a","update":"x"}';

$w->json();
$t->subscribed('alice');

my $got = without(sub { $w->send(frame(TEXT, $update)); $w->json() });

is_deeply([@{$got}{qw(event update detail)}], ['refused', 'a', $none],
    'no memory for an update of a WebSocket: refused, and the reason is true');

my $answer = without(sub { $t->update('alice', $update) });

is($answer->{status}, 503, 'no memory for a POST: 503');
is($answer->{json}{detail}, $none, '    and the reason is true');
is($t->update('alice', $update)->{status}, 202, '    with memory: accepted');


# The answer without memory for a command.  If Redis answers another command
# of the worker just then, that has no memory, and the connection is lost.

sub without {
    my ($ask) = @_;

    my $got;

    $t->wait_for(sub {
        $t->wait_ready();
        $oom->fail(by => 'libhiredis');
        $got = $ask->();

        return ($got->{json} // $got)->{detail} ne 'Redis is away';
    }, 'a command without memory');

    return $got;
}


# Every status is 500 until no allocation fails any more; a library may get on
# without one.

sub each_fails {
    my ($name, $library, $status, $request, $step) = @_;

    my ($n, %seen) = (0);

    while (1) {
        $oom->fail(by => $library, skip => $n);
        my $got = $request->();

        last if !$oom->failed() || $n > 2000;
        $seen{$got} .= " $n";
        $n += $step // 1;
    }

    $oom->stop();
    delete $seen{$status};
    is(join(' ', keys(%seen)), '500', "$name, $n allocations: 500")
        or diag(map { "$_:$seen{$_}\n" } keys(%seen));
    is($request->(), $status, "$name, with memory: $status");
}
