#!/usr/bin/perl

# Hibernation and the rest of TLS: sessions, early data, client certificates,
# several servers by SNI, and kernel TLS work with it or prevent it.  Unloading
# the module leaves nothing behind that could harm a connection.

use strict;
use warnings;

use Socket qw(IPPROTO_TCP);
use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

use constant TCP_ULP => 31;

my $t = Pimap->new(mode => 'pimap_hibernate on;');
my $dir = $t->dir();
my ($cert, $key) = $t->certificate();
my %ports = map { $_ => $t->port($_) }
    qw(cache tickets stateless early verify ktls sni);
my $location = 'location = /events { pimap_account $arg_account; '
    . 'pimap_events; }';

my $n = 0;

$t->nginx()->{http} = <<"END" . join("\n", map { <<"SERVER" }
        log_format tls '\$uri \$ssl_session_reused \$ssl_client_verify'
                       ' \$ssl_early_data \$host';
        access_log $dir/tls.log tls;
        server {
            listen 127.0.0.1:$ports{sni} ssl default_server;
            server_name one;
            $location
        }
        server {
            listen 127.0.0.1:$ports{sni} ssl;
            server_name two;
            ssl_certificate $cert;
            ssl_certificate_key $key;
            $location
        }
END
        server {
            listen 127.0.0.1:$ports{$$_[0]} ssl;
            $$_[1]
            $location
        }
SERVER
    [cache => 'ssl_session_cache shared:a:1m; ssl_session_tickets off;'],
    [tickets => 'ssl_session_cache off;'],
    [stateless => 'ssl_session_cache none; ssl_session_tickets off;'],
    [early => 'ssl_session_cache shared:b:1m; ssl_early_data on;'],
    [verify => "ssl_verify_client on; ssl_client_certificate $cert;"],
    [ktls => 'ssl_conf_command Options KTLS;']);

$t->plan(33);
$t->run();

# Sessions: the second connection resumes the session of the first.

for my $how (qw(cache tickets stateless)) {
    my $session = "$dir/$how.session";

    device($how, 'hibernated', '-sess_out', $session);
    like(logged(), qr{^/events \. }, "$how: a new session");
    device($how, 'hibernated', '-sess_in', $session);
    like(logged(), $how eq 'stateless' ? qr{^/events \. } : qr{^/events r },
        "$how: " . ($how eq 'stateless' ? 'a new session' : 'resumed'));
}

# Early data: the response begins before the handshake ends, or just after it.
# Only the latter can be hibernated.

my $session = "$dir/early.session";
my $request = $t->write_file("$dir/early.request",
    "GET /events?account=early HTTP/1.1\r\nHost: localhost\r\n\r\n");

device('early', 'hibernated', '-sess_out', $session);
my $kind = device('early', 'detachedTls|hibernated', '-sess_in', $session,
    '-early_data', $request);
my $early = $kind eq 'detachedTls' ? 1 : 0;
like(logged(), $early ? qr{^/events r NONE 1 } : qr{^/events r NONE - },
    'early data is accepted');
is($t->status()->{notHibernated}, $early,
    'a device that is not hibernated is counted');
device('early', 'hibernated', '-sess_in', $session);

# Client certificates.

device('verify', 'hibernated', '-cert', $cert, '-key', $key);
like(logged(), qr{^/events \. SUCCESS }, 'with a client certificate');

# SNI: the handshake begins with the first server and ends with another.

for my $name (qw(one two)) {
    device('sni', 'hibernated', '-servername', $name);
    like(logged(), qr/ \Q$name\E$/, "by SNI: $name");
}

# Kernel TLS, where the kernel has it.

device('ktls', kernel_tls() ? 'detachedTls' : 'hibernated');
is($t->status()->{notHibernated}, $early + kernel_tls(),
    'a device that is not hibernated is counted');

# A key log of another module, or a record size of the client, prevents it.

device('tickets', 'detachedTls', '-maxfraglen', '1024');
like($t->log(), qr/does not hibernate: max_fragment_length/,
    'the log has the reason');

# nginx without the module.

ok($t->wait_for(sub { $t->status()->{parked} == 0 }, 'all gone'), 'all gone');

my $conf = $t->nginx()->conf();

$conf =~ s/^load_module .*//m;
$conf =~ s/^.*\bpimap_redis .*$//m;
$conf =~ s/pimap_\w+ [^;]*;|pimap_\w+;/return 204;/g;
$conf =~ s/^    return 204;$//m;

my %old = map { $_ => 1 } $t->workers();

$t->write_file("$dir/nginx.conf", $conf);
$t->nginx()->{process}->signal('HUP');
ok($t->wait_for(sub { $t->workers() == 1 && !$old{($t->workers())[0]} },
    'a new worker'), 'reloaded without the module');

my @worker = $t->workers();

is($t->get('/events', transport => 'https')->{status}, 204, 'TLS still works')
    for (1 .. 3);
is(join(' ', $t->workers()), "@worker", 'no worker has crashed');


# Parks a device, which gets an event; tests how it is parked, and returns it.

sub device {
    my ($port, $kind, @options) = @_;

    my $account = 'user' . ++$n;
    my $is_early = grep { $_ eq '-early_data' } @options;
    my $process = $t->start(pipe => 1, input => 1, errors => "$dir/err",
        command => ['openssl', 's_client', '-quiet', '-no_ign_eof',
            '-verify_quiet', '-connect', "127.0.0.1:$ports{$port}", @options]);
    my $s = Pimap::Stream->new(process => $process);
    my $host = $options[0] && $options[0] eq '-servername' ? $options[1]
        : 'localhost';

    $account = 'early' if $is_early;
    $s->send("GET /events?account=$account HTTP/1.1\nHost: $host\n\n")
        if !$is_early;

    $s->read_until(qr/: parked\n.*\n\n/);
    $t->subscribed($account);
    $t->redis()->publish($account, { event => 'MessageNew', uid => $n });

    my $event = $s->event() // {};

    my $devices = $t->status()->{devices};
    my ($is) = grep { $devices->{$_} } sort(keys(%$devices));

    like(($event->{json}{uid} // '-') . ' ' . ($is // '-'),
        qr/\A$n (?:$kind)\z/,
        "$port @options[grep { !($_ & 1) } 0 .. $#options]: $kind");

    $s->send("Q\n");
    $s->closed();
    $t->wait_for(sub { $t->status()->{parked} == 0 }, 'its end');

    return $is // '';
}


sub logged {
    return (grep { m{^/events} } split(/\n/, $t->read_file("$dir/tls.log")))
        [-1];
}


sub kernel_tls {
    my $listen = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1');
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
        PeerPort => $listen->sockport());

    return setsockopt($socket, IPPROTO_TCP, TCP_ULP, 'tls') ? 1 : 0;
}
