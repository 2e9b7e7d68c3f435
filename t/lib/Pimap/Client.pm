package Pimap::Client;

# Devices and publishers: the part of a test's object that talks to its nginx.
# The transport is "http" (HTTP/1.1), "https" (HTTP/1.1 in TLS),
# "h2" (HTTP/2 in TLS), "h2c" (HTTP/2 in clear) or "h3" (HTTP/3).

use strict;
use warnings;

use IO::Socket::INET;
use IO::Socket::SSL;
use JSON::PP;
use Test::More import => [qw(diag)];

use Pimap::Duplex;
use Pimap::Missing;
use Pimap::Process qw(patience wait_for);
use Pimap::Stream;
use Pimap::WebSocket;

my $json = JSON::PP->new()->utf8()->canonical();


sub json { $json->encode($_[1]) }


# The given number of characters, which compression shortens by a fifth at
# most.

sub noise {
    my ($self, $n) = @_;

    my @chars = grep { !/[\\"]/ } map { chr($_) } 33 .. 126;

    return join('', map { $chars[rand(@chars)] } 1 .. $n);
}


# Opens a connection and writes the given request to it.  Without a server the
# response ends at once.

sub open_stream {
    my ($self, $request, $transport) = @_;

    $transport //= 'http';

    my %to = (PeerAddr => '127.0.0.1', PeerPort => $self->port($transport),
        Timeout => patience());

    my $socket = $transport eq 'https'
        ? IO::Socket::SSL->new(%to, SSL_verify_mode => SSL_VERIFY_NONE)
        : IO::Socket::INET->new(%to);

    if (!$socket) {
        diag("$transport: $! " . ($SSL_ERROR // ''));
        open($socket, '+<', '/dev/null') or die "/dev/null: $!\n";
    }

    local $SIG{PIPE} = 'IGNORE';
    $socket->syswrite($request);

    return Pimap::Stream->new(socket => $socket);
}


# method, path, and by name: body, transport, headers => { name => value };
# by HTTP/2 the body may be "open", for send() to go on with; a body is JSON
# unless a header says something else

sub request {
    my ($self, $method, $path, %set) = @_;

    my $transport = $set{transport} // 'http';
    my %headers = %{ $set{headers} // {} };

    if (defined $set{body}) {
        $headers{'Content-Length'} //= length($set{body});
        $headers{'Content-Type'} //= 'application/json';
    }

    return $self->_node($method, $path, \%headers, %set) if $set{open};
    return $self->_curl($method, $path, \%headers, %set)
        if $transport =~ /^h[23]/;

    return $self->open_stream(join("\r\n", "$method $path HTTP/1.1",
        'Host: localhost', $set{close} ? 'Connection: close' : (),
        map({ "$_: $headers{$_}" } sort(keys(%headers))), '',
        $set{body} // ''), $transport);
}


sub _curl {
    my ($self, $method, $path, $headers, %set) = @_;

    my ($option, $url) = @{ {
        h2 => ['--http2', 'https://127.0.0.1:' . $self->port('https')],
        h2c => ['--http2-prior-knowledge',
            'http://127.0.0.1:' . $self->port('h2c')],
        h3 => ['--http3-only',
            'https://' . $self->nginx()->quic() . ':' . $self->port('https')]
    }->{$set{transport}} };
    my @body = defined $set{body} ? ('--data-binary', $set{body}) : ();

    my $process = $self->start(pipe => 1, command => ['curl', '-sNik',
        $method eq 'HEAD' ? '-I' : ('-X', $method), @body, $option,
        map({ ('-H', "$_: $headers->{$_}") } sort(keys(%$headers))),
        $url . $path]);

    return Pimap::Stream->new(process => $process);
}


# (curl keeps a processor busy while its input has no data.)

sub _node {
    my ($self, $method, $path, $headers, %set) = @_;

    my $origin = ($set{transport} eq 'h2' ? 'https' : 'http')
        . '://127.0.0.1:' . $self->port($set{transport} eq 'h2' ? 'https'
        : 'h2c');

    return Pimap::Stream->new(process => $self->start(pipe => 1, input => 1,
        command => ['node', $self->root() . '/t/lib/h2.js', $origin, $method,
            $path, $self->json($headers)]));
}


# A device of the account: query => 'types=Email', and as for request().

sub park {
    my ($self, $account, %set) = @_;

    my $path = ($set{path} // '/events') . "?account=$account";

    $path .= "&$set{query}" if defined $set{query};

    if ($ENV{PIMAP_COMPRESSED}) {
        my %headers = ('Accept-Encoding' => 'gzip', %{ $set{headers} // {} });
        $set{headers} = \%headers;
    }

    return $self->request($set{method} // 'GET', $path, %set);
}


# Parks a device that has read the log and gets only live events from then on.

sub park_live {
    my ($self, $account, @set) = @_;

    my $s = $self->park($account, @set);

    $s->read_until(qr/: parked\n.*\n\n/);
    $self->subscribed($account);

    for (1, 2) {
        $self->redis()->log($account, { event => 'MessageNew', uid => 0 });
        $s->event();
    }

    return $s;
}


# A WebSocket, or the response that refuses it: query, transport, path, and
# headers to be added, or left out if they are undef.

sub websocket {
    my ($self, $account, %set) = @_;

    my %headers = (Pimap::WebSocket::headers(), %{ $set{headers} // {} });
    my $inflates = $ENV{PIMAP_COMPRESSED}
        && !exists($headers{'Sec-WebSocket-Extensions'});

    $headers{'Sec-WebSocket-Extensions'} = 'permessage-deflate' if $inflates;
    delete @headers{ grep { !defined $headers{$_} } keys(%headers) };

    my $s = $self->park($account, %set, headers => \%headers);

    $s->{inflates} = $inflates;
    return bless($s, 'Pimap::WebSocket');
}


# A request whose body stays open, see Pimap::Duplex; as for park().

sub duplex {
    my ($self, $account, %set) = @_;

    my $h2 = ($set{transport} // 'http') =~ /^h2/;
    my $s = $self->park($account, %set, method => 'POST', open => $h2,
        headers => { 'Content-Type' => 'application/x-ndjson',
            $h2 || $set{headers}{'Content-Length'} ? ()
                : ('Transfer-Encoding' => 'chunked'),
            %{ $set{headers} // {} } });

    return bless($s, 'Pimap::Duplex');
}


# A response that ends: { status, body, head, json }

sub _whole {
    my ($self, $method, $path, %set) = @_;

    my $stream = $self->request($method, $path, %set, close => 1);

    my %response = (status => $stream->status(), body => $stream->body(),
        head => $stream->{head} // '');

    $response{json} = eval { $json->decode($response{body}) };
    $stream->close();

    return \%response;
}


sub get  { my ($self, @set) = @_; $self->_whole('GET', @set) }

sub post {
    my ($self, $path, $body, %set) = @_;

    $set{headers}{'Content-Type'} //= 'application/json';

    return $self->_whole('POST', $path, %set, body => $body);
}


# Publishes by HTTP; for Redis see $t->redis()->publish().

sub publish {
    my ($self, $account, $event, %set) = @_;

    return $self->post("/publish?account=$account",
        ref($event) ? $self->json($event) : $event, %set);
}


# A device's updates, one a line: text, or objects in an array; device => name,
# and as for request().

sub update {
    my ($self, $account, $updates, %set) = @_;

    my $path = "/update?account=$account";
    my $device = delete $set{device};

    $path .= "&device=$device" if defined $device;
    $set{headers}{'Content-Type'} //= 'application/x-ndjson';

    return $self->post($path, ref($updates)
        ? join('', map { $self->json($_) . "\n" } @$updates) : $updates, %set);
}


sub status { $_[0]->get('/status')->{json} // Pimap::Missing->new() }
sub ready  { $_[0]->get('/status?ready')->{status} == 200 }


# The status of the first worker that serves.

sub worker_status {
    my ($self) = @_;

    my ($pid) = $self->workers();
    my ($status) = grep { $_->{pid} == $pid }
        @{ $self->status()->{workers} };

    return $status // Pimap::Missing->new();
}


# Waits until every worker can deliver.

sub wait_ready {
    my ($self) = @_;
    $self->wait_for(sub { $self->ready() }, 'readiness') or return;

    # A ready worker may still be loading the functions, if it has the right.

    my $redis = $self->{redis};

    wait_for(sub { eval { $redis->connect()->command(qw(FCALL
        pimap_version 0)) } }, 5)
        if $redis && $redis->{process};

    return 1;
}


# Waits until every worker has seen that Redis is away, and can't deliver.  (A
# worker without CPU can't deliver either, and still believes in Redis.)

sub wait_away {
    my ($self) = @_;

    return $self->wait_for(sub {
        !$self->ready()
            && !grep { $_->{redis}{up} } @{ $self->status()->{workers} };
    }, 'the loss of Redis');
}


# Publishes an event with this uid as soon as that is taken; true when the
# account's device has it.

sub delivers {
    my ($self, $account, $device, $uid) = @_;

    $self->wait_for(sub { $self->publish($account, { event => 'MessageNew',
        uid => $uid })->{status} == 200 }, 'an answer');

    while (my ($got) = $device->events(1)) {
        return 1 if ($got->{json}{uid} // 0) == $uid;
        return if !defined $got->{json};
    }

    return;
}


# Waits until this number of accounts is unproven.

sub unproven {
    my ($self, $n) = @_;

    my $status;

    wait_for(sub { ($status = $self->status())->{accountsUnproven} == $n })
        and return 1;

    diag("unproven: $status->{accountsUnproven}");
    return;
}


# The log lines that match, without those of level debug and info.

sub log_lines {
    my ($self, $re) = @_;

    return grep { /\[(?:notice|warn|error|crit|alert|emerg)\]/ && /$re/ }
        split(/\n/, $self->log());
}


1;
