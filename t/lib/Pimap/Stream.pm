package Pimap::Stream;

# A response as it arrives, from a socket or from curl: its head, its body
# without chunks and decompressed, and the Server-Sent Events in it.

use strict;
use warnings;

use Compress::Raw::Zlib;
use Errno qw(EAGAIN EINTR);
use IO::Select;
use JSON::PP;
use Socket;
use Time::HiRes qw(time);

use Pimap::Missing;
use Pimap::Process qw(patience wait_for);


# socket => a connected one, or process => a Pimap::Process with a pipe, which
# has removed the chunks if "unchunked"; {all} has all bytes received

sub new {
    my ($class, %set) = @_;

    my $fh = $set{socket} // $set{process}->fh();

    $fh->blocking(0);

    return bless({ %set, fh => $fh, all => '', raw => '',
        body => '' }, $class);
}


# The body received up to the end of the match, or undef if the deadline passes
# or the response ends without a match.

sub read_until {
    my ($self, $re, $deadline) = @_;
    return $self->_read_until($re, time() + patience($deadline));
}


sub _read_until {
    my ($self, $re, $end) = @_;

    $self->_wait(sub { $self->{body} =~ $re }, $end) or return;
    $self->{body} =~ $re;

    return substr($self->{body}, 0, $+[0], '');
}


# The bridge tells of its first look at an account.  A test parks its device
# just before that look.

my $first_look = qr/^\{"event":"(?:MailboxResync"
    |(?:Contact|Calendar)Change","all":true)\}$/x;

# The next event as { event, data, id?, json? }, or a Pimap::Missing.  Skips
# comments, blocks without a name or data, such as the rest of one that was
# read, and events that only have an id or a time to come back.  Skips the
# first look, too, unless {looks} is set.

sub event {
    my ($self, $deadline) = @_;
    return $self->_event(time() + patience($deadline));
}


sub _event {
    my ($self, $end) = @_;

    while (defined(my $block = $self->_read_until(qr/\n\n/, $end))) {
        my %event;

        for my $line (split(/\n/, $block)) {
            my ($name, $value) = $line =~ /^(id|event|data): ?(.*)$/ or next;

            $event{$name} = join("\n", $event{$name} // (), $value);
        }

        next if !defined $event{data} || !defined $event{event}
            || $event{event} =~ /^(?:parked|position|retry)$/
            || $event{data} =~ $first_look && !$self->{looks};

        $event{json} = eval { JSON::PP->new->utf8->decode($event{data}) };

        return \%event;
    }

    return Pimap::Missing->new();
}


# The next events except pings: the given number, or fewer at the deadline.

sub events {
    my ($self, $n, $deadline) = @_;

    my @events;
    my $end = time() + patience($deadline);

    while (@events < $n) {
        my $event = $self->_event($end) || last;

        push(@events, $event) if $event->{event} ne 'ping';
    }

    return @events;
}


# True if no event except pings comes for this time.

sub quiet {
    my ($self, $seconds) = @_;

    my $end = time() + patience($seconds);

    while (my $event = $self->_event($end)) {
        return if $event->{event} ne 'ping';
    }

    return !$self->{eof};
}


sub status {
    my ($self) = @_;

    $self->_wait(sub { defined $self->{head} });
    return ($self->{head} // '') =~ m{\AHTTP/\S+ (\d+)} ? 0 + $1 : 0;
}


sub header {
    my ($self, $name) = @_;

    $self->_wait(sub { defined $self->{head} });
    return ($self->{head} // '') =~ /^\Q$name\E: *(.*?)\r?$/mi ? $1 : undef;
}


# Continues with the response after an interim one (100 Continue).

sub next {
    my ($self) = @_;

    ($self->{raw}, $self->{body}) = ($self->{body}, '');
    delete @$self{qw(head inflate stream)};
    $self->_parse();
}


# The whole body of a response that ends.

sub body {
    my ($self) = @_;

    $self->closed();
    return $self->{body};
}


# True once the other side has closed.  ended() also requires a complete
# response, with the trailer of its compressed stream.

sub closed {
    my ($self, $deadline) = @_;

    $self->_wait(sub { 0 }, time() + patience($deadline));
    return $self->{eof};
}


sub ended {
    my ($self, $deadline) = @_;

    $self->_wait(sub { $self->{last} }, time() + patience($deadline));

    if (!$self->{last}) {
        return if !$self->{process}
            || !wait_for(sub { $self->{process}->ended_well() }, $deadline);

        $self->closed();        # reads the data sent before
    }

    return !$self->{inflate} || $self->{stream} eq 'end';
}


sub send {
    my ($self, $bytes) = @_;

    return $self->{process}->type($bytes) if $self->{process};
    return $self->{fh}->syswrite($bytes);
}


# Writes all data while the other side reads; true if it has read all.

sub send_all {
    my ($self, $bytes, $deadline) = @_;

    my $end = time() + patience($deadline);
    my $select = IO::Select->new($self->{fh});

    local $SIG{PIPE} = 'IGNORE';

    while ($bytes ne '' && time() < $end) {
        my $n = $self->{fh}->syswrite($bytes);

        if ($n) {
            substr($bytes, 0, $n) = '';

        } elsif ($! == EAGAIN || $! == EINTR) {
            $select->can_write(0.1);

        } else {
            last;
        }
    }

    return $bytes eq '';
}


# Closes the connection; abort() sends a reset instead of a FIN.

sub close {
    my ($self) = @_;

    $self->{process}->stop() if $self->{process};
    $self->{fh}->close();
}


sub abort {
    my ($self) = @_;

    setsockopt($self->{fh}, SOL_SOCKET, SO_LINGER, pack('ii', 1, 0));
    CORE::close($self->{fh});
}


sub _wait {
    my ($self, $condition, $end) = @_;

    $end //= time() + patience();

    my $select = IO::Select->new($self->{fh});

    while (!$condition->()) {
        return if $self->{eof};

        my $n = $self->{fh}->sysread(my $bytes, 65536);

        if ($n) {
            $self->{all} .= $bytes;
            $self->{raw} .= $bytes;
            $self->_parse();

        } elsif (defined $n || $! != EAGAIN && $! != EINTR) {
            $self->{eof} = 1;

        } elsif (time() > $end) {
            return;

        } else {
            $select->can_read(0.1);
        }
    }

    return 1;
}


sub _parse {
    my ($self) = @_;

    if (!defined $self->{head}) {
        $self->{raw} =~ s/\A(HTTP.*?\r\n\r\n)//s or return;
        $self->{head} = $1;
        $self->{chunked} = !$self->{unchunked}
            && $1 =~ /^Transfer-Encoding: *chunked/mi;
        $self->{inflate} = _inflater($self->{head});
    }

    if (!$self->{chunked}) {
        $self->_take($self->{raw});
        $self->{raw} = '';
        return;
    }

    while ($self->{raw} =~ /\A([0-9a-fA-F]+)\r\n/) {
        my ($start, $size) = ($+[0], hex($1));

        return if length($self->{raw}) < $start + $size + 2;

        $self->_take(substr($self->{raw}, $start, $size));
        substr($self->{raw}, 0, $start + $size + 2) = '';
        $self->{last} = 1 if $size == 0;
    }
}


# {packed} counts the compressed bytes; {stream} is "end" after a valid
# trailer, and otherwise the status of zlib.

sub _take {
    my ($self, $bytes) = @_;

    my $inflate = $self->{inflate};

    return $self->{body} .= $bytes if !$inflate || $bytes eq '';

    $self->{packed} += length($bytes);

    my $status = $inflate->inflate($bytes, my $text);

    $self->{body} .= $text;
    $self->{stream} = $status == Z_STREAM_END && $bytes eq '' ? 'end'
        : $status == Z_OK || $status == Z_BUF_ERROR ? 'open' : "$status";
}


sub _inflater {
    my ($head) = @_;

    my ($coding) = $head =~ /^Content-Encoding: *(\w+)/mi or return;

    my ($inflate) = Compress::Raw::Zlib::Inflate->new(
        -WindowBits => $coding eq 'gzip' ? WANT_GZIP : MAX_WBITS);

    return $inflate;
}


1;
